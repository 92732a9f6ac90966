"""The slow walk through the storage."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, update
from structlog.testing import capture_logs

from shared import clock, db
from shared.kept import KeptFiles
from shared.lifecycle import Status
from shared.models import Task, User
from shared.storage import LocalStorage, Stored
from tests.orders import add_task, add_user, result_entry
from worker.sweep import Sweep

OLD = Stored("results/bb/task_1.1.1.png", 4, 0)


@dataclass
class FakeStorage:
    """Three folders; remembers what was looked at and deleted."""

    left: list[Stored] = field(default_factory=list)
    looked_at: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    broken: bool = False
    names: tuple[str, ...] = ("avatars/aa", "results/bb", "uploads/cc")

    def folders(self) -> list[str]:
        return list(self.names)

    def files(self, folder: str) -> list[Stored]:
        self.looked_at.append(folder)
        return [file for file in self.left if file.key.startswith(folder)]

    def delete(self, key: str) -> None:
        if self.broken:
            raise PermissionError("read-only file system")
        self.deleted.append(key)


class Everything(KeptFiles):
    """No row knows anything."""

    def removable(self, files: object) -> object:
        return files


def sweep_of(storage: FakeStorage, kept: type[KeptFiles] = Everything, engine: object = None) -> Sweep:
    return Sweep(storage, kept(engine, 24))  # type: ignore[arg-type]


def test_each_turn_is_one_folder_and_after_the_last_comes_the_first() -> None:
    storage = FakeStorage()
    sweep = sweep_of(storage)

    for _ in range(6):
        sweep.advance()

    assert sorted(storage.looked_at[:3]) == list(storage.names)
    assert storage.looked_at[3:] == storage.looked_at[:3]


def test_folders_that_appear_or_go_between_two_turns_are_no_trouble() -> None:
    storage = FakeStorage(names=("results/bb",))
    sweep = sweep_of(storage)
    sweep.advance()

    storage.names = ("results/aa", "results/cc")
    sweep.advance()
    storage.names = ()

    assert sweep.advance() == 0
    assert storage.looked_at == ["results/bb", "results/cc"]


def test_what_is_left_over_goes_and_is_counted() -> None:
    storage = FakeStorage([OLD])
    sweep = sweep_of(storage)

    assert sum(sweep.advance() for _ in range(3)) == 1
    assert storage.deleted == [OLD.key]


def test_a_file_that_cannot_be_deleted_is_named_in_the_log_and_holds_nothing_up() -> None:
    sweep = sweep_of(FakeStorage([OLD], broken=True))

    with capture_logs() as logs:
        removed = [sweep.advance() for _ in range(3)]

    assert removed == [0, 0, 0]
    assert [(entry["event"], entry["key"]) for entry in logs] == [("file_left_behind", OLD.key)]


@pytest.mark.parametrize("files", [1, 1200])
def test_a_folder_of_many_files_costs_few_queries(engine: Engine, files: int) -> None:
    queries: list[str] = []
    with db.write(engine) as connection:
        names = {"account": "a", "account_key": "a", "email": "a@example.com", "password_hash": "-", "role": "user"}
        values = {**names, "token_version": 0, "created_at": clock.now().replace(year=1999)}
        connection.execute(User.__table__.insert().values(values))
    young = Stored("results/bb/task_1.1.1.png", 4, clock.now().replace(year=2001).timestamp())
    sweep = sweep_of(FakeStorage([young] * files, names=("results/bb",)), KeptFiles, engine)
    event.listen(engine, "before_cursor_execute", lambda *args: queries.append(args[2]))

    removed = sweep.advance()

    assert removed == files
    assert len(queries) == 1 + -(-files // 500)


@pytest.mark.parametrize("on_disk", [None, b"dat"])
def test_a_row_whose_file_is_gone_or_cut_off_is_named_in_the_log(
    engine: Engine, tmp_path: Path, on_disk: bytes | None
) -> None:
    storage = LocalStorage(tmp_path)
    user = add_user(engine)
    whole, broken = (completed(engine, user, name) for name in ("whole", "broken"))
    storage.save(whole, b"data")
    if on_disk:
        storage.save(broken, on_disk)
    sweep = Sweep(storage, KeptFiles(engine, 24))

    with capture_logs() as logs:
        found = {file.key for _ in range(40) for file in sweep.look()}

    assert found == {broken}
    assert {entry["event"] for entry in logs} == {"files_missing"}
    assert all(entry["keys"] == [broken] for entry in logs)


def test_a_file_that_went_with_its_row_meanwhile_is_not_missed(engine: Engine, tmp_path: Path) -> None:
    key = completed(engine, add_user(engine), "gone")

    class Emptied(KeptFiles):
        def some(self, tasks: int) -> object:  # type: ignore[override]
            found = list(super().some(tasks))
            assert [file.key for file in found] == [key]
            with db.write(engine) as connection:
                connection.execute(update(Task).values(results=[], has_result=False))
            return found

    sweep = Sweep(LocalStorage(tmp_path), Emptied(engine, 24))

    assert sweep.look() == []


def completed(engine: Engine, user_id: int, name: str) -> str:
    """The key of the one file that its row knows."""
    task = add_task(engine, user_id)
    key = f"results/aa/{task}.1.1.png"
    entry = result_entry(f"{name}.png", key, b"data")
    values = {"status": Status.COMPLETED, "has_result": True, "results": [entry]}
    with db.write(engine) as connection:
        connection.execute(update(Task).where(Task.public_id == task).values(**values))
    return key
