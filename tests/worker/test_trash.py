"""What the housekeeping puts into the trash and removes from it for good, on both stacks."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, update
from sqlalchemy.orm import Session

from shared import clock, db
from shared.kept import KeptFiles
from shared.lifecycle import Status
from shared.models import Task, TrashedFavorite, TrashItem, Upload
from shared.storage import LocalStorage
from tests.fakes.storage import FakeStorage
from tests.orders import add_task, add_user, result_entry
from worker.trash import Trash


@pytest.fixture
def user_id(engine: Engine) -> int:
    return add_user(engine)


def add_record(engine: Engine, user_id: int, days: float, **values: Any) -> str:
    """A completed task that was last touched so many days ago."""
    task = add_task(engine, user_id)
    files = [result_entry(f"{task}.png", f"results/aa/{task}.1.1.png")]
    done = {"status": Status.COMPLETED, "has_result": True, "results": files, **values}
    with Session(engine) as session, db.writing(session):
        found = session.query(Task).filter_by(public_id=task).one()
        for name, value in {**done, "updated_at": ago(days)}.items():
            setattr(found, name, value)
    return task


def bin_record(engine: Engine, user_id: int, days: float) -> str:
    """A record whose user deleted it so many days ago, with a favourite of it."""
    task = add_record(engine, user_id, days, deleted_at=ago(days))
    with Session(engine) as session, db.writing(session):
        found = session.query(Task).filter_by(public_id=task).one()
        item = TrashItem(user_id=user_id, task_id=found.id, deleted_at=ago(days))
        session.add(item)
        session.flush()
        node = {"id": item.id, "item_id": item.id, "parent_id": 1, "name": "cat", "node_type": "file"}
        session.execute(insert(TrashedFavorite).values(**node, task_id=found.id, created_at=ago(days)))
    return task


def ago(days: float) -> Any:
    return clock.now() - timedelta(days=days)


def left(engine: Engine, *which: Any) -> set[str]:
    with engine.connect() as connection:
        return set(connection.scalars(select(Task.public_id).where(*which)))


def trash(engine: Engine, storage: Any = None, trash_days: float = 30, result_days: float = 0) -> Trash:
    return Trash(engine, storage or FakeStorage(), trash_days, result_days)


def test_what_is_past_its_time_goes_with_its_row_and_files_and_nothing_else_does(engine: Engine, user_id: int) -> None:
    storage = FakeStorage()
    old, young, live = bin_record(engine, user_id, 31), bin_record(engine, user_id, 29), add_record(engine, user_id, 99)

    removed = trash(engine, storage).empty()

    assert (removed, storage.deleted) == (1, [f"results/aa/{old}.1.1.png"])
    assert left(engine) == {young, live}
    with engine.connect() as connection:
        assert len(connection.scalars(select(TrashItem.id)).all()) == 1
        assert len(connection.scalars(select(TrashedFavorite.id)).all()) == 1


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
def test_without_days_it_goes_at_once(engine: Engine, user_id: int) -> None:
    bin_record(engine, user_id, 0.001)

    assert trash(engine, trash_days=0).empty() == 1


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
def test_a_file_goes_only_after_its_row(engine: Engine, user_id: int) -> None:
    bin_record(engine, user_id, 31)
    rows: list[set[str]] = []

    trash(engine, FakeStorage(meanwhile=lambda: rows.append(left(engine)))).empty()

    assert rows == [set()]


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
def test_who_dies_between_row_and_file_leaves_a_file_that_no_row_knows(
    engine: Engine, user_id: int, tmp_path: Path
) -> None:
    files, task = LocalStorage(tmp_path), bin_record(engine, user_id, 31)
    key = f"results/aa/{task}.1.1.png"
    files.save(key, b"")

    def die() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trash(engine, FakeStorage(meanwhile=die)).empty()

    assert left(engine) == set()
    assert [file.key for file in KeptFiles(engine, 24).unknown(files.files("results/aa"))] == [key]


def test_an_upload_that_only_this_task_used_is_unused_again(engine: Engine, user_id: int) -> None:
    facts = {"media_type": "image/png", "bytes": 1, "sha256": "-", "width": 1, "height": 1, "used_at": clock.now()}
    uploads = [Upload(public_id=key, user_id=user_id, key=key, **facts) for key in ("mine", "shared")]
    with Session(engine) as session, db.writing(session):
        session.add_all(uploads)
    bin_record(engine, user_id, 31)
    with db.write(engine) as connection:
        connection.execute(update(Task).values(images=[{"id": key, "key": key} for key in ("mine", "shared")]))
    add_record(engine, user_id, 0, images=[{"id": "shared", "key": "shared"}])

    trash(engine).empty()

    with engine.connect() as connection:
        assert connection.scalars(select(Upload.key).where(Upload.used_at.is_(None))).all() == ["mine"]


def test_many_may_be_at_it_and_each_item_goes_once(engine: Engine, user_id: int) -> None:
    storage = FakeStorage()
    tasks = [bin_record(engine, user_id, 31) for _ in range(12)]
    old = [add_record(engine, user_id, 11) for _ in range(12)]

    def round_of_one(_: int) -> tuple[int, int]:
        rounds = trash(engine, storage, result_days=10)
        return rounds.fill(), rounds.empty()

    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(round_of_one, range(4)))

    assert sorted(storage.deleted) == sorted(f"results/aa/{task}.1.1.png" for task in tasks)
    assert (sum(filled for filled, _ in done), sum(emptied for _, emptied in done)) == (12, 12)
    assert left(engine, Task.deleted_at.is_not(None)) == set(old)


def test_old_results_go_to_the_trash_unless_they_are_favourites(engine: Engine, user_id: int) -> None:
    old, failed = add_record(engine, user_id, 11), add_record(engine, user_id, 11, status=Status.FAILED, results=None)
    add_record(engine, user_id, 11, favorite=True)
    add_record(engine, user_id, 9)
    add_record(engine, user_id, 11, status=Status.QUEUED)
    bin_record(engine, user_id, 20)

    moved = trash(engine, result_days=10).fill()

    assert moved == 2
    items = select(TrashItem.task_id).where(TrashItem.user_id == user_id, TrashItem.deleted_at > ago(1))
    assert left(engine, Task.id.in_(items)) == {old, failed}
    assert left(engine, Task.deleted_at > ago(1)) == {old, failed}
    assert trash(engine, result_days=10).fill() == 0


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
def test_results_stay_for_ever_without_a_time(engine: Engine, user_id: int) -> None:
    add_record(engine, user_id, 9999)

    assert trash(engine).fill() == 0
