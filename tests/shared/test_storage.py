"""Files by key."""

import time
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


def test_the_size_of_a_file_is_known_without_reading_it(storage: LocalStorage) -> None:
    storage.save("results/a/b.png", b"four")

    assert storage.size("results/a/b.png") == 4
    with pytest.raises(NotFound):
        storage.size("results/a/c.png")


def test_folders_are_listed_in_order_and_each_has_its_own_files(storage: LocalStorage) -> None:
    for key in ("results/b/2.png", "results/a/1.png", "avatars/a/3.png"):
        storage.save(key, key.encode())

    assert storage.folders() == ["avatars/a", "results/a", "results/b"]
    [found] = storage.files("results/a")
    assert (found.key, found.size) == ("results/a/1.png", len("results/a/1.png"))
    assert found.modified == pytest.approx(time.time(), abs=60)


def test_what_a_save_that_was_cut_off_has_left_is_listed_and_can_be_deleted(
    storage: LocalStorage, tmp_path: Path
) -> None:
    storage.save("results/a/1.png", b"whole")
    (tmp_path / "files" / "results" / "a" / ".x.part").write_bytes(b"ha")

    keys = {file.key for file in storage.files("results/a")}
    storage.delete("results/a/.x.part")

    assert keys == {"results/a/1.png", "results/a/.x.part"}
    assert [file.key for file in storage.files("results/a")] == ["results/a/1.png"]


def test_a_folder_that_is_not_there_has_no_files(storage: LocalStorage) -> None:
    assert storage.folders() == []
    assert list(storage.files("results/a")) == []


def test_a_new_folder_is_as_durable_as_the_file_in_it(
    storage: LocalStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("shared.storage._sync_folder", synced.append)

    storage.save("results/a/1.png", b"data")
    storage.save("results/a/2.png", b"data")

    files = tmp_path / "files"
    assert synced == [tmp_path, files, files / "results", files / "results" / "a", files / "results" / "a"]
