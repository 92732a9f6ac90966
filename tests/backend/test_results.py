"""Files of results and uploads: to their owner, whole or in part."""

from pathlib import Path

import pytest

from shared.claims import Claims
from shared.settings import Settings
from tests.backend.conftest import Person
from tests.backend.made import DATA, THUMBNAIL, Made, make
from tests.drawings import corners, encoded


@pytest.fixture
def made(alice: Person, worker: Claims, settings: Settings) -> Made:
    return make(alice, worker, settings)


@pytest.fixture
def url(made: Made) -> str:
    """The result_url."""
    return made.picture.url


def test_the_owner_gets_the_file(alice: Person, url: str) -> None:
    response = alice.call("GET", url)

    assert (response.status_code, response.data, response.mimetype) == (200, DATA, "image/png")
    assert "immutable" in response.headers["Cache-Control"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_a_part_of_the_file_can_be_asked_for(alice: Person, url: str) -> None:
    response = alice.call("GET", url, headers={"Range": "bytes=1-3"})

    assert (response.status_code, response.data) == (206, b"PNG")
    assert response.headers["Content-Range"] == f"bytes 1-3/{len(DATA)}"


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-0", DATA[:1]),
        ("bytes=5-", DATA[5:]),
        ("bytes=-7", DATA[-7:]),
        ("bytes=1-9999", DATA[1:]),
    ],
)
def test_parts_are_counted_from_either_end(alice: Person, url: str, asked: str, part: bytes) -> None:
    response = alice.call("GET", url, headers={"Range": asked})

    assert (response.status_code, response.data) == (206, part)


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,3-4", "bytes=-9999", "lines=1-2", "bytes=x-y", "bytes=5-2", "nonsense", ""]
)
def test_what_is_no_single_part_is_answered_with_the_whole(alice: Person, url: str, asked: str) -> None:
    response = alice.call("GET", url, headers={"Range": asked})

    assert (response.status_code, response.data) == (200, DATA)
    assert response.headers["Accept-Ranges"] == "bytes"


def test_a_part_behind_the_end_is_refused(alice: Person, url: str) -> None:
    response = alice.call("GET", url, headers={"Range": "bytes=9999-"})

    assert (response.status_code, response.get_json()["error"]["code"]) == (416, "range_not_satisfiable")
    assert response.headers["Content-Range"] == f"bytes */{len(DATA)}"


def test_a_part_of_another_version_is_not_mixed_in(alice: Person, url: str) -> None:
    tag = alice.call("GET", url).headers["ETag"]

    same = alice.call("GET", url, headers={"Range": "bytes=1-3", "If-Range": tag})
    other = alice.call("GET", url, headers={"Range": "bytes=1-3", "If-Range": '"other"'})

    assert (same.status_code, same.data) == (206, b"PNG")
    assert (other.status_code, other.data) == (200, DATA)


def test_the_head_of_a_file_can_be_asked_for(alice: Person, url: str) -> None:
    response = alice.call("HEAD", url)

    assert (response.status_code, response.data, response.content_length) == (200, b"", len(DATA))


@pytest.mark.parametrize(
    ("query", "disposition"),
    [("", "inline"), ("?download=1", "attachment"), ("?download=0", "inline"), ("?v=17", "inline")],
)
def test_a_browser_is_told_to_show_or_to_save(alice: Person, url: str, query: str, disposition: str) -> None:
    response = alice.call("GET", url + query)

    name = url.split("/")[-1]
    assert response.headers["Content-Disposition"] == f'{disposition}; filename="{name}"'


@pytest.mark.parametrize("query", ["download=maybe", "download=", "download=1&download=0"])
def test_a_wish_that_makes_no_sense_is_refused(alice: Person, url: str, query: str) -> None:
    response = alice.call("GET", f"{url}?{query}")

    assert (response.status_code, response.get_json()["error"]["fields"][0]["field"]) == (400, "download")


def test_a_file_that_the_client_has_is_not_sent_again(alice: Person, url: str) -> None:
    tag = alice.call("GET", url).headers["ETag"]

    response = alice.call("GET", url, headers={"If-None-Match": tag})

    assert (response.status_code, response.data) == (304, b"")


def test_somebody_else_finds_nothing(bob: Person, url: str) -> None:
    assert bob.call("GET", url).status_code == 404


def test_without_a_token_there_is_nothing_to_get(alice: Person, url: str) -> None:
    assert alice.client.get(url).status_code == 401


@pytest.mark.parametrize(
    "name",
    [
        "task_0.png",
        "x",
        "..%2f..%2fdarkroom.db",
        "../darkroom.db",
        "....//darkroom.db",
        "%00.png",
        "results/aa/x.png",
        "task_" + "0" * 20 + ".png",
        "task_" + "0" * 20 + "_2.png",
        "x" * 5000,
        "圆.png",
    ],
)
def test_a_name_that_is_no_result_is_not_found(alice: Person, url: str, name: str) -> None:
    response = alice.call("GET", f"/generated_outputs/{name}")

    assert response.status_code == 404
    assert response.get_json()["code"] == 404


def test_a_result_is_found_by_its_own_name_only(alice: Person, url: str) -> None:
    assert alice.call("GET", url.replace(".png", "_2.png")).status_code == 404
    assert alice.call("GET", url.replace(".png", ".jpg")).status_code == 404


def test_a_file_that_is_gone_is_not_found(alice: Person, url: str, settings: Settings) -> None:
    Path(settings.data_dir / "files" / "results" / "aa" / "x.png").unlink()

    assert alice.call("GET", url).status_code == 404


def test_a_thumbnail_is_a_file_too(alice: Person, bob: Person, made: Made) -> None:
    response = alice.call("GET", made.thumbnail.url)

    assert (response.status_code, response.data, response.mimetype) == (200, THUMBNAIL, "image/webp")
    assert alice.client.get(made.thumbnail.signed, buffered=True).data == THUMBNAIL
    assert bob.call("GET", made.thumbnail.url).status_code == 404


def test_an_upload_is_found_by_its_own_name_only(alice: Person) -> None:
    sent = alice.call("POST", "/api/v1/upload", data=encoded(corners()), content_type="image/png").get_json()["data"]

    asked = [sent["file_url"], f"/generated_outputs/{sent['file_id']}", sent["file_url"].replace(".png", ".jpg")]

    assert [alice.call("GET", url).status_code for url in asked] == [200, 200, 404]
