"""Which files the rows know, on both stacks."""

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from shared import clock, db
from shared.kept import AVATARS_URL, BATCH, Kept, KeptFiles, avatar_key
from shared.lifecycle import Status
from shared.models import Task, Upload, User
from shared.storage import LocalStorage
from tests.orders import add_task, add_user, result_entry, row

HOUR = 3600
AVATAR = "ab" * 16 + ".png"


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "files")


@pytest.fixture
def user_id(engine: Engine) -> int:
    """Whose account is a hundred hours old."""
    made = add_user(engine)
    change(engine, User, made, created_at=clock.now() - timedelta(hours=100), avatar_url=AVATARS_URL + AVATAR)
    return made


@pytest.fixture
def task(engine: Engine, user_id: int) -> str:
    """One that is completed, with a picture and its thumbnail."""
    public_id = add_task(engine, user_id)
    entry = result_entry(f"{public_id}.png", f"results/aa/{public_id}.1.1.png", b"data")
    thumbnail = {"key": f"results/aa/{public_id}.1.1.thumb.webp", "bytes": 2, "sha256": "-"}
    done = {"status": Status.COMPLETED, "fence": 1, "has_result": True, "results": [{**entry, "thumbnail": thumbnail}]}
    change(engine, Task, row(engine, public_id).id, **done)
    return public_id


@pytest.fixture
def upload(engine: Engine, user_id: int) -> str:
    """The key of one."""
    key = "uploads/aa/ref_aa.png"
    facts = {"media_type": "image/png", "bytes": 3, "sha256": "-", "width": 1, "height": 1}
    with db.write(engine) as connection:
        values = {"public_id": "ref_aa", "user_id": user_id, "key": key, "created_at": clock.now(), **facts}
        connection.execute(Upload.__table__.insert().values(values))
    return key


def change(engine: Engine, model: type, id: int, **values: object) -> None:
    with db.write(engine) as connection:
        connection.execute(update(model).where(model.id == id).values(values))


def unknown(engine: Engine, storage: LocalStorage) -> list[str]:
    kept = KeptFiles(engine, hours=24)
    return sorted(file.key for folder in storage.folders() for file in kept.unknown(storage.files(folder)))


def removable(engine: Engine, storage: LocalStorage) -> list[str]:
    kept = KeptFiles(engine, hours=24)
    return sorted(file.key for folder in storage.folders() for file in kept.removable(storage.files(folder)))


def save(storage: LocalStorage, tmp_path: Path, key: str, hours: float = 48) -> str:
    """A file of that age."""
    storage.save(key, b"data")
    moment = time.time() - hours * HOUR
    os.utime(tmp_path / "files" / key, (moment, moment))
    return key


def test_what_rows_tell_of_is_known(
    engine: Engine, storage: LocalStorage, tmp_path: Path, task: str, upload: str
) -> None:
    for key in (f"results/aa/{task}.1.1.png", f"results/aa/{task}.1.1.thumb.webp", upload, avatar_key(AVATAR)):
        save(storage, tmp_path, key)

    assert unknown(engine, storage) == []


@pytest.mark.parametrize(
    "key",
    [
        "results/aa/{task}.2.1.png",  # a zombie's
        "results/aa/{task}.1.2.png",
        "results/aa/task_ffffffffffffffffffff.1.1.png",
        "results/aa/.x1y2.part",
        "uploads/aa/ref_ab.png",
        "uploads/aa/.x1y2.part",
        "avatars/cd/cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd.png",
    ],
)
def test_what_no_row_tells_of_is_unknown(
    engine: Engine, storage: LocalStorage, tmp_path: Path, task: str, upload: str, key: str
) -> None:
    left = save(storage, tmp_path, key.format(task=task))

    assert unknown(engine, storage) == removable(engine, storage) == [left]


def test_a_file_of_a_running_attempt_is_not_unknown_and_one_of_an_earlier_attempt_is(
    engine: Engine, storage: LocalStorage, tmp_path: Path, user_id: int
) -> None:
    running = add_task(engine, user_id)
    change(engine, Task, row(engine, running).id, status=Status.PROCESSING, fence=12)
    for fence in (1, 11, 12, 120):
        save(storage, tmp_path, f"results/aa/{running}.{fence}.1.png")

    assert unknown(engine, storage) == [f"results/aa/{running}.{fence}.1.png" for fence in (1, 11, 120)]


def test_files_of_kinds_that_rows_do_not_tell_of_are_somebody_elses(
    engine: Engine, storage: LocalStorage, tmp_path: Path, user_id: int
) -> None:
    save(storage, tmp_path, "notes/aa/mine.txt")

    assert unknown(engine, storage) == []


@pytest.mark.parametrize(("hours", "goes"), [(23.9, False), (24.1, True), (99, True), (101, False)])
def test_only_what_is_old_enough_and_younger_than_the_first_account_is_removable(
    engine: Engine, storage: LocalStorage, tmp_path: Path, user_id: int, hours: float, goes: bool
) -> None:
    left = save(storage, tmp_path, "uploads/aa/ref_ab.png", hours)

    assert removable(engine, storage) == [left] * goes


def test_an_empty_database_lets_nothing_be_removed(engine: Engine, storage: LocalStorage, tmp_path: Path) -> None:
    save(storage, tmp_path, "uploads/aa/ref_ab.png")

    assert removable(engine, storage) == []


def test_many_files_are_looked_up_batch_by_batch(
    engine: Engine, storage: LocalStorage, tmp_path: Path, upload: str
) -> None:
    (tmp_path / "files" / "uploads" / "aa").mkdir(parents=True)
    for number in range(BATCH + 1):
        (tmp_path / "files" / "uploads" / "aa" / f"ref_{number}.png").touch()
    (tmp_path / "files" / upload).touch()

    assert len(unknown(engine, storage)) == BATCH + 1


def test_all_that_has_to_be_there_is_told_with_its_owner(engine: Engine, user_id: int, task: str, upload: str) -> None:
    data = result_entry("x", data=b"data")

    assert list(KeptFiles(engine, 24).all()) == [
        Kept(task, f"results/aa/{task}.1.1.png", 4, data["sha256"]),
        Kept(task, f"results/aa/{task}.1.1.thumb.webp", 2, "-"),
        Kept("ref_aa", upload, 3, "-"),
        Kept(f"user {user_id}", avatar_key(AVATAR)),
    ]


def test_a_record_in_the_trash_has_to_keep_its_files(
    engine: Engine, storage: LocalStorage, tmp_path: Path, task: str
) -> None:
    change(engine, Task, row(engine, task).id, deleted_at=clock.now())
    save(storage, tmp_path, f"results/aa/{task}.1.1.png")

    assert unknown(engine, storage) == []
    assert [kept.owner for kept in KeptFiles(engine, 24).all() if kept.owner == task] == [task, task]
