"""What only a bucket has: links, pages, a server that may be away, and nothing that everybody may read."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from shared import object_storage
from shared.doctor.__main__ import examine
from shared.object_storage import S3Storage
from shared.storage import Headers, Storage, storage_of
from tests.conftest import Stack
from tests.object_store import BUCKET, SECRET, ObjectStore
from tests.servers import free_port

HEADERS = Headers("image/png", 'attachment; filename="a.png"', "private, max-age=31536000, immutable")
SHOWN = {
    "content-type": HEADERS.content_type,
    "content-disposition": HEADERS.content_disposition,
    "cache-control": HEADERS.cache_control,
}
EVERYTHING: dict[str, Callable[[Storage], object]] = {
    "save": lambda storage: storage.save("results/aa/a.png", b"data"),
    "open": lambda storage: storage.open("results/aa/a.png").read(),  # an object of a bucket has nothing to close
    "size": lambda storage: storage.size("results/aa/a.png"),
    "delete": lambda storage: storage.delete("results/aa/a.png"),
    "folders": lambda storage: storage.folders(),
    "files": lambda storage: list(storage.files("results/aa")),
    "probe": lambda storage: storage.probe(),
}


def failing(storage: Storage) -> dict[str, OSError]:
    """All that fails as it should: with an OSError."""
    found = {}
    for name, do in EVERYTHING.items():
        try:
            do(storage)
        except OSError as error:
            found[name] = error
    return found


def test_the_settings_can_ask_for_a_bucket(s3: ObjectStore) -> None:
    assert isinstance(storage_of(s3.settings()), S3Storage)


def test_an_object_has_the_files_path_under_the_prefix(s3: ObjectStore, bucket: Storage) -> None:
    bucket.save("results/aa/a.png", b"data")

    listing = s3.ask("GET", f"/{BUCKET}?list-type=2").data
    assert listing.count(b"<Key>") == 1
    assert b"<Key>some/prefix/results/aa/a.png</Key>" in listing


def test_what_lies_beside_the_prefix_is_not_ours(s3: ObjectStore, bucket: Storage) -> None:
    for path in ("results/aa/a.png", "some/prefixes/results/aa/a.png", "some/results/aa/a.png"):
        s3.ask("PUT", f"/{BUCKET}/{path}", b"somebody else's")

    assert bucket.folders() == []
    assert list(bucket.files("results/aa")) == []


def test_a_folder_that_a_program_made_is_no_file(s3: ObjectStore, bucket: Storage) -> None:
    s3.ask("PUT", f"/{BUCKET}/some/prefix/results/aa/", b"")

    assert bucket.folders() == ["results/aa"]
    assert list(bucket.files("results/aa")) == []


def test_a_long_listing_comes_in_pages(bucket: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_storage, "PAGE", 2)
    keys = [f"results/{shard}/{number}.png" for shard in ("aa", "bb", "cc") for number in range(5)]
    for key in keys:
        bucket.save(key, b"data")

    assert bucket.folders() == ["results/aa", "results/bb", "results/cc"]
    assert [file.key for folder in bucket.folders() for file in bucket.files(folder)] == keys


def test_what_others_write_is_listed_at_once(s3: ObjectStore, bucket: Storage) -> None:
    bucket.save("results/aa/a.png", b"data")
    before = [file.key for file in bucket.files("results/aa")]

    s3.ask("PUT", f"/{BUCKET}/some/prefix/results/aa/b.png", b"data")

    assert before == ["results/aa/a.png"]
    assert [file.key for file in bucket.files("results/aa")] == ["results/aa/a.png", "results/aa/b.png"]


def test_a_link_serves_the_file_with_its_headers(s3: ObjectStore, bucket: Storage) -> None:
    bucket.save("results/aa/a 图.png", b"data")

    answer = s3.ask("GET", str(bucket.link("results/aa/a 图.png", HEADERS)))

    assert (answer.status, answer.data) == (200, b"data")
    assert {name: answer.headers[name] for name in SHOWN} == SHOWN


def test_a_part_can_be_asked_for_by_link(s3: ObjectStore, bucket: Storage) -> None:
    bucket.save("a", b"0123456789")

    answer = s3.ask("GET", str(bucket.link("a", HEADERS)), Range="bytes=2-4")

    assert (answer.status, answer.data) == (206, b"234")


def test_a_link_is_signed_for_link_minutes_and_says_no_secret(s3: ObjectStore) -> None:
    link = str(storage_of(s3.settings(link_minutes=7)).link("a", HEADERS))

    asked = {name: value for name, [value] in parse_qs(urlsplit(link).query).items()}
    assert asked["X-Amz-Expires"] == "420"
    assert len(asked["X-Amz-Signature"]) == 64
    assert SECRET not in link


def test_a_link_leads_where_users_can_reach_it(s3: ObjectStore) -> None:
    link = str(storage_of(s3.settings(s3_public_url="https://files.example.org")).link("a", HEADERS))

    assert link.startswith(f"https://files.example.org/{BUCKET}/some/prefix/a?")


def test_there_are_no_links_where_they_are_not_wanted(s3: ObjectStore) -> None:
    assert storage_of(s3.settings(s3_redirect=False)).link("a", HEADERS) is None


def test_nobody_gets_a_file_without_a_signature(s3: ObjectStore, bucket: Storage) -> None:
    bucket.save("a", b"data")

    answer = s3.ask("GET", f"/{BUCKET}/some/prefix/a")

    assert (answer.status, b"data" in answer.data) == (403, False)


def test_a_server_that_is_away_fails_whatever_is_asked(s3: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_storage, "ATTEMPTS", 1)  # it waits between them
    away = storage_of(s3.settings(s3_endpoint_url=f"http://127.0.0.1:{free_port()}"))

    assert failing(away).keys() == EVERYTHING.keys()


def test_a_bucket_that_is_not_there_fails_whatever_is_asked(s3: ObjectStore) -> None:
    missing = storage_of(s3.settings(storage_url="s3://another-one"))

    assert failing(missing).keys() == EVERYTHING.keys()


def test_what_the_key_may_not_do_fails(s3: ObjectStore, bucket: Storage) -> None:
    bucket.save("results/aa/a.png", b"data")
    s3.refuse("s3:PutObject", "s3:GetObject", "s3:DeleteObject")

    refused = failing(bucket)

    assert refused.keys() == {"save", "open", "delete", "probe"}
    assert {type(error) for error in refused.values()} == {PermissionError}


def test_an_object_that_goes_while_it_is_read_is_a_failure(bucket: Storage) -> None:
    bucket.save("a", b"data")

    with bucket.open("a") as file:
        bucket.delete("a")
        with pytest.raises(OSError, match="key"):
            file.read()


@pytest.fixture
def silent() -> Iterator[str]:
    """The url of a server that takes requests and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_server_that_never_answers_is_not_waited_for(
    s3: ObjectStore, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_storage, "PROBE_SECONDS", 0.1)

    with pytest.raises(TimeoutError, match=r"no answer within 0\.1 seconds"):
        storage_of(s3.settings(s3_endpoint_url=silent)).probe()


def test_without_a_key_anywhere_it_says_so(s3: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    with pytest.raises(OSError, match="credentials"):
        storage_of(s3.settings(s3_access_key="", s3_secret_key="")).link("a", HEADERS)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # Python 3.12 and newer dislike what is tried here
def test_a_process_that_was_forked_makes_a_connection_of_its_own(bucket: Storage) -> None:
    bucket.save("a", b"data")

    child = os.fork()
    if child == 0:
        try:
            with bucket.open("a") as file:
                os._exit(0 if file.read() == b"data" else 1)
        finally:
            os._exit(2)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
def test_the_doctor_looks_at_a_bucket(s3: ObjectStore, stack: Stack) -> None:
    of_stack = {"database_url": stack.database_url, "broker_url": stack.broker_url}

    well = {finding.about: finding for finding in examine(s3.settings(**of_stack), checksums=True)}
    ill = {finding.about: finding for finding in examine(s3.settings(**of_stack, storage_url="s3://another-one"))}

    assert (well["bucket"].is_well, well["rows"].is_well, well["files"].is_well) == (True, True, True)
    assert "s3://another-one cannot be written" in ill["bucket"].said
    assert "files" not in ill
