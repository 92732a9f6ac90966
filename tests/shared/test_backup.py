"""What was saved comes back as it was, on both databases, and the doctor finds nothing wrong with it."""

import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, select, text, update

from shared import db
from shared.backup import __main__ as backup
from shared.backup import archive, database
from shared.backup.database import NotDone
from shared.doctor.__main__ import examine
from shared.lifecycle import Status
from shared.models import Task
from shared.settings import Settings
from shared.storage import LocalStorage
from tests.orders import add_task, add_user, result_entry

KEY = "results/aa/task_1.1.1.png"
PNG = b"a picture"
PROMPT = "ein Häuschen 房子 🏠 'quoted\"; \\ -- \n"


@pytest.fixture
def task(engine: Engine, settings: Settings) -> str:
    """A completed task, its picture, and what a write that was cut off has left."""
    name = add_task(engine, add_user(engine), prompt=PROMPT)
    key = f"results/aa/{name}.1.1.png"
    with db.write(engine) as connection:
        done = {"status": Status.COMPLETED, "results": [result_entry("x.png", key, PNG)], "has_result": True}
        connection.execute(update(Task).values(done))
    LocalStorage(settings.data_dir / "files").save(key, PNG)
    (settings.data_dir / "files" / "results" / "aa" / ".x.part").write_bytes(b"half a pic")
    return name


@pytest.fixture
def elsewhere(settings: Settings, engine: Engine, tmp_path: Path) -> Settings:
    """Settings of a machine that has nothing yet."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    url = f"sqlite:///{folder / 'darkroom.db'}"
    if engine.dialect.name == "mysql":
        with engine.connect() as connection:
            connection.execute(text("DROP DATABASE IF EXISTS restored"))
            connection.execute(text("CREATE DATABASE restored CHARACTER SET utf8mb4"))
        url = engine.url.set(database="restored").render_as_string(hide_password=False)
    return settings.model_copy(update={"data_dir": folder, "database_url": SecretStr(url)})


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The command with these settings."""

    def run(settings: Settings, *arguments: str) -> int:
        monkeypatch.setattr("shared.settings.load", lambda: settings)
        return backup.main(arguments)

    return run


def test_what_was_saved_comes_back_whole(
    settings: Settings, elsewhere: Settings, task: str, tmp_path: Path, run: Callable[..., int]
) -> None:
    file = tmp_path / "darkroom.tar"

    assert [run(settings, "save", str(file)), run(elsewhere, "restore", str(file))] == [0, 0]

    restored = db.connect(elsewhere.database)
    with restored.connect() as connection:
        assert connection.execute(select(Task.public_id, Task.prompt)).all() == [(task, PROMPT)]
    restored.dispose()
    found = {finding.about: finding for finding in examine(elsewhere, checksums=True)}
    assert found["database"].is_well
    assert found["rows"].said == "all of their 1 files are there and unchanged"
    assert found["files"].said == "a row knows each of them"


def test_nothing_is_restored_over_a_database(
    settings: Settings, task: str, tmp_path: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "darkroom.tar"
    run(settings, "save", str(file))

    assert run(settings, "restore", str(file)) == 1

    assert capsys.readouterr().err.startswith("backup: there is a database already")


@pytest.fixture
def small(tmp_path: Path) -> Engine:
    """A database of one table, for what is alike on both."""
    engine = db.connect(f"sqlite:///{tmp_path / 'small.db'}")
    with db.write(engine) as connection:
        connection.execute(text("CREATE TABLE users (id INTEGER)"))
    return engine


@pytest.fixture
def empty(tmp_path: Path) -> Engine:
    return db.connect(f"sqlite:///{tmp_path / 'new' / 'empty.db'}")


def test_nothing_is_restored_over_files(small: Engine, empty: Engine, tmp_path: Path) -> None:
    archive.save(small, None, tmp_path / "a.tar")
    LocalStorage(tmp_path / "files").save(KEY, PNG)

    with pytest.raises(NotDone, match="there are files already"):
        archive.restore(empty, tmp_path / "files", tmp_path / "a.tar")

    assert database.is_empty(empty)


def test_an_archive_is_for_its_owner_only(small: Engine, tmp_path: Path) -> None:
    archive.save(small, None, tmp_path / "a.tar")

    assert stat.S_IMODE((tmp_path / "a.tar").stat().st_mode) == 0o600


def test_a_save_that_fails_leaves_the_earlier_archive(tmp_path: Path, empty: Engine) -> None:
    (tmp_path / "a.tar").write_bytes(b"the earlier one")

    with pytest.raises(NotDone, match="there is no database"):
        archive.save(empty, None, tmp_path / "a.tar")

    assert (tmp_path / "a.tar").read_bytes() == b"the earlier one"
    assert [path.name for path in tmp_path.glob("a.tar*")] == ["a.tar"]


def test_an_archive_of_the_other_database_is_refused(small: Engine, empty: Engine, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as made:
        made.addfile(tarfile.TarInfo("database.mysql"))

    with pytest.raises(NotDone, match=r"begins with database\.mysql"):
        archive.restore(empty, tmp_path / "files", tmp_path / "a.tar")


def test_nothing_of_an_archive_lands_beside_the_folder(small: Engine, empty: Engine, tmp_path: Path) -> None:
    archive.save(small, None, tmp_path / "a.tar")
    with tarfile.open(tmp_path / "a.tar", "a") as made:
        made.addfile(tarfile.TarInfo("files/../../outside"))

    with pytest.raises(tarfile.OutsideDestinationError):
        archive.restore(empty, tmp_path / "files", tmp_path / "a.tar")

    assert not (tmp_path.parent / "outside").exists()


def test_files_in_a_bucket_are_left_to_its_own_backup(
    small: Engine, tmp_path: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    LocalStorage(tmp_path / "files").save(KEY, PNG)
    url = SecretStr(small.url.render_as_string())
    bucket = Settings(
        _env_file=None, secret_key="s" * 40, data_dir=tmp_path, database_url=url, storage_url="s3://pictures"
    )

    assert run(bucket, "save", str(tmp_path / "a.tar")) == 0

    assert "The files are in s3://pictures" in capsys.readouterr().out
    with tarfile.open(tmp_path / "a.tar") as made:
        assert made.getnames() == ["database.sqlite"]


@pytest.mark.parametrize("content", [b"", b"no archive", b"\0" * 10240])
def test_what_is_no_archive_is_refused_in_one_line(
    tmp_path: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    (tmp_path / "a.tar").write_bytes(content)
    new = Settings(_env_file=None, secret_key="s" * 40, data_dir=tmp_path / "n")

    assert run(new, "restore", str(tmp_path / "a.tar")) == 1

    assert capsys.readouterr().err.count("\n") == 1
