"""Files from the folder into the bucket, and back."""

from pathlib import Path

import pytest

from shared import moving, object_storage
from shared.moving import copy
from shared.settings import InvalidSettings, Settings
from shared.storage import LocalStorage, Storage
from tests.object_store import ObjectStore
from tests.servers import free_port

FILES = {"results/aa/a.png": b"one", "results/aa/b.png": b"two", "uploads/bb/图.png": b"three", "avatars/cc/c.png": b""}


@pytest.fixture
def folder(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "files")


def fill(storage: Storage) -> None:
    for key, data in FILES.items():
        storage.save(key, data)


def contents(storage: Storage) -> dict[str, bytes]:
    return {file.key: read(storage, file.key) for name in storage.folders() for file in storage.files(name)}


def read(storage: Storage, key: str) -> bytes:
    with storage.open(key) as file:
        return file.read()


def run(monkeypatch: pytest.MonkeyPatch, settings: Settings, *arguments: str) -> int:
    monkeypatch.setattr(moving.settings, "load", lambda: settings)
    return moving.main(["copy", *arguments])


def test_every_file_is_copied_and_stays(folder: LocalStorage, bucket: Storage) -> None:
    fill(folder)

    copied = copy(folder, bucket)

    assert contents(bucket) == contents(folder) == FILES
    assert str(copied) == "4 files copied (0.0 MB), 0 were there"


def test_what_is_there_in_its_whole_size_is_passed_over(folder: LocalStorage, bucket: Storage) -> None:
    fill(folder)
    bucket.save("results/aa/a.png", b"ONE")
    bucket.save("results/aa/b.png", b"tw")

    copied = copy(folder, bucket)

    assert (copied.files, copied.known) == (3, 1)
    assert contents(bucket) == FILES | {"results/aa/a.png": b"ONE"}


def test_what_was_never_finished_stays_behind(folder: LocalStorage, bucket: Storage, tmp_path: Path) -> None:
    fill(folder)
    (tmp_path / "files" / "results" / "aa" / ".x.part").write_bytes(b"ha")

    copy(folder, bucket)

    assert contents(bucket) == FILES


def test_a_file_that_goes_meanwhile_is_not_missed(folder: LocalStorage, bucket: Storage, tmp_path: Path) -> None:
    class Hasty(LocalStorage):
        def open(self, key: str):  # type: ignore[no-untyped-def]
            self.delete("results/aa/b.png")
            return super().open(key)

    fill(folder)

    assert copy(Hasty(tmp_path / "files"), bucket).files == 3


@pytest.mark.parametrize("arguments", [(), ("--back",)])
def test_the_settings_say_from_where_and_where_to(
    s3: ObjectStore,
    bucket: Storage,
    folder: LocalStorage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
) -> None:
    source, target = (bucket, folder) if arguments else (folder, bucket)
    fill(source)

    status = run(monkeypatch, s3.settings(data_dir=tmp_path), *arguments)

    assert (status, contents(target)) == (0, FILES)


def test_without_a_bucket_it_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run(monkeypatch, Settings(_env_file=None, secret_key="x" * 40))

    assert (status, capsys.readouterr().err) == (2, "storage: there is no bucket: STORAGE_URL is not set\n")


def test_wrong_settings_are_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse() -> Settings:
        raise InvalidSettings("STORAGE_URL: must be another")

    monkeypatch.setattr(moving.settings, "load", refuse)

    assert moving.main(["copy"]) == 2
    assert capsys.readouterr().err == "storage: STORAGE_URL: must be another: see .env.example\n"


def test_a_bucket_that_is_away_is_told_of(
    s3: ObjectStore,
    folder: LocalStorage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fill(folder)
    monkeypatch.setattr(object_storage, "ATTEMPTS", 1)  # it waits between them

    away = s3.settings(data_dir=tmp_path, s3_endpoint_url=f"http://127.0.0.1:{free_port()}")

    assert run(monkeypatch, away) == 1
    assert "Could not connect" in capsys.readouterr().err
