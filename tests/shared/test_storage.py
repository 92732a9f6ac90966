"""Files by key."""

from pathlib import Path

import pytest

from shared.errors import NotFound
from shared.storage import LocalStorage


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "files")


def test_what_is_saved_can_be_opened(storage: LocalStorage) -> None:
    storage.save("results/a/b.png", b"data")

    with storage.open("results/a/b.png") as file:
        assert file.read() == b"data"


def test_a_file_is_readable_by_the_services_group_and_nobody_else(storage: LocalStorage, tmp_path: Path) -> None:
    storage.save("a", b"data")

    assert (tmp_path / "files" / "a").stat().st_mode & 0o777 == 0o640


def test_saving_again_replaces_the_whole_file(storage: LocalStorage) -> None:
    storage.save("a", b"long long data")
    storage.save("a", b"new")

    with storage.open("a") as file:
        assert file.read() == b"new"


def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(
    storage: LocalStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    storage.save("a", b"old")
    monkeypatch.setattr("os.fsync", full)

    with pytest.raises(OSError, match="No space left"):
        storage.save("a", b"new")

    assert [path.name for path in (tmp_path / "files").iterdir()] == ["a"]
    with storage.open("a") as file:
        assert file.read() == b"old"


def test_deleting_what_is_not_there_is_no_error(storage: LocalStorage) -> None:
    storage.save("a", b"data")
    storage.delete("a")
    storage.delete("a")

    with pytest.raises(NotFound):
        storage.open("a")


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "a/../../x", "a\0b", ".."])
def test_no_key_leads_out_of_the_folder(storage: LocalStorage, key: str) -> None:
    with pytest.raises(NotFound):
        storage.open(key)
    with pytest.raises(NotFound):
        storage.save(key, b"data")


def test_a_folder_is_no_file(storage: LocalStorage) -> None:
    storage.save("a/b", b"data")

    with pytest.raises(NotFound):
        storage.open("a")


def test_a_probe_tells_that_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("a file where the folder should be")

    with pytest.raises(OSError, match="exists"):
        LocalStorage(tmp_path / "files").probe()
