"""Files by key, in a folder and in a bucket: what can be asked of both, and what only a folder has to mind."""

import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from shared.errors import NotFound
from shared.settings import Settings
from shared.storage import Headers, LocalStorage, Storage, storage_of, warn_if_away


@pytest.fixture
def folder(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "files")


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest) -> Storage:
    """Each test that takes it runs twice."""
    found: Storage = request.getfixturevalue(request.param)
    return found


def test_what_is_saved_can_be_opened(storage: Storage) -> None:
    storage.save("results/a/b.png", b"data")

    with storage.open("results/a/b.png") as file:
        assert file.read() == b"data"


def test_a_file_is_readable_by_the_services_group_and_nobody_else(folder: LocalStorage, tmp_path: Path) -> None:
    folder.save("a", b"data")

    assert (tmp_path / "files" / "a").stat().st_mode & 0o777 == 0o640


def test_saving_again_replaces_the_whole_file(storage: Storage) -> None:
    storage.save("a", b"long long data")
    storage.save("a", b"new")

    with storage.open("a") as file:
        assert file.read() == b"new"


def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(
    folder: LocalStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    folder.save("a", b"old")
    monkeypatch.setattr("os.fsync", full)

    with pytest.raises(OSError, match="No space left"):
        folder.save("a", b"new")

    assert [path.name for path in (tmp_path / "files").iterdir()] == ["a"]
    with folder.open("a") as file:
        assert file.read() == b"old"


def test_deleting_what_is_not_there_is_no_error(storage: Storage) -> None:
    storage.save("a", b"data")
    storage.delete("a")
    storage.delete("a")

    with pytest.raises(NotFound):
        storage.open("a")


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "a/../../x", "a\0b", ".."])
def test_no_key_leads_out_of_the_folder(storage: Storage, key: str) -> None:
    with pytest.raises(NotFound):
        storage.open(key)
    with pytest.raises(NotFound):
        storage.save(key, b"data")


def test_a_key_may_have_any_letters(storage: Storage) -> None:
    storage.save("results/aa/x 图+%&?#.webp", b"data")

    assert storage.folders() == ["results/aa"]
    assert [file.key for file in storage.files("results/aa")] == ["results/aa/x 图+%&?#.webp"]
    with storage.open("results/aa/x 图+%&?#.webp") as file:
        assert file.read() == b"data"


def test_a_file_is_read_in_any_order(storage: Storage) -> None:
    storage.save("a", bytes(range(256)) * 8192)

    with storage.open("a") as file:
        assert (file.seek(-2, 2), file.read(), file.read(1)) == (2097150, b"\xfe\xff", b"")
        assert (file.seek(1_500_000), file.read(3)) == (1_500_000, bytes([96, 97, 98]))
        assert (file.seek(2, 1), file.read(1)) == (1_500_005, bytes([101]))
        assert (file.seek(3_000_000), file.read(1), file.read()) == (3_000_000, b"", b"")
        assert (file.seek(5), file.read(1), file.tell()) == (5, b"\x05", 6)
        assert len(file.read()) == 2097146


def test_an_empty_file_is_a_file(storage: Storage) -> None:
    storage.save("a", b"")

    with storage.open("a") as file:
        assert (storage.size("a"), file.read()) == (0, b"")


def test_what_is_ready_for_files_leaves_nothing_behind(storage: Storage) -> None:
    storage.probe()

    assert storage.folders() == []


def test_a_folder_is_no_file(storage: Storage) -> None:
    storage.save("a/b", b"data")

    with pytest.raises(NotFound):
        storage.open("a")


def test_files_of_a_folder_are_always_sent_by_the_service(folder: LocalStorage) -> None:
    folder.save("a", b"data")

    assert folder.link("a", Headers("image/png", "inline", "private")) is None


def test_files_are_in_the_data_folder_unless_the_settings_say_otherwise(tmp_path: Path) -> None:
    storage_of(Settings(_env_file=None, secret_key="x" * 40, data_dir=tmp_path)).save("a", b"data")

    assert (tmp_path / "files" / "a").read_bytes() == b"data"


def test_a_storage_that_is_away_is_told_of_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("a file where the folder should be")

    with capture_logs() as logs:
        warn_if_away(LocalStorage(tmp_path / "files"))
        warn_if_away(LocalStorage(tmp_path / "others"))

    assert [line["event"] for line in logs] == ["storage_away"]


def test_a_probe_tells_that_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("a file where the folder should be")

    with pytest.raises(OSError, match="exists"):
        LocalStorage(tmp_path / "files").probe()


def test_the_size_of_a_file_is_known_without_reading_it(storage: Storage) -> None:
    storage.save("results/a/b.png", b"four")

    assert storage.size("results/a/b.png") == 4
    with pytest.raises(NotFound):
        storage.size("results/a/c.png")


def test_folders_are_listed_in_order_and_each_has_its_own_files(storage: Storage) -> None:
    for key in ("results/b/2.png", "results/a/1.png", "avatars/a/3.png"):
        storage.save(key, key.encode())

    assert storage.folders() == ["avatars/a", "results/a", "results/b"]
    [found] = storage.files("results/a")
    assert (found.key, found.size) == ("results/a/1.png", len("results/a/1.png"))
    assert found.modified == pytest.approx(time.time(), abs=60)


def test_what_a_save_that_was_cut_off_has_left_is_listed_and_can_be_deleted(
    folder: LocalStorage, tmp_path: Path
) -> None:
    folder.save("results/a/1.png", b"whole")
    (tmp_path / "files" / "results" / "a" / ".x.part").write_bytes(b"ha")

    keys = {file.key for file in folder.files("results/a")}
    folder.delete("results/a/.x.part")

    assert keys == {"results/a/1.png", "results/a/.x.part"}
    assert [file.key for file in folder.files("results/a")] == ["results/a/1.png"]


def test_a_folder_that_is_not_there_has_no_files(storage: Storage) -> None:
    assert storage.folders() == []
    assert list(storage.files("results/a")) == []


def test_a_new_folder_is_as_durable_as_the_file_in_it(
    folder: LocalStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("shared.storage._sync_folder", synced.append)

    folder.save("results/a/1.png", b"data")
    folder.save("results/a/2.png", b"data")

    files = tmp_path / "files"
    assert synced == [tmp_path, files, files / "results", files / "results" / "a", files / "results" / "a"]
