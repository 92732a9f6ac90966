"""What the housekeeping removes of erased users, on both stacks."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import Engine, select, update
from structlog.testing import capture_logs

from shared import clock, db
from shared.claims import Claims
from shared.erasure import pseudonym, references, remaining
from shared.errors import NotFound
from shared.lifecycle import Status
from shared.models import AuditEntry, Task, User
from shared.progress import Progress, ProgressBoard, redis_client
from shared.settings import Settings
from shared.storage import LocalStorage
from tests.belongings import Belongings, fill
from tests.orders import add_task, add_user, row
from worker.eraser import Eraser

OF_SQLITE = pytest.mark.parametrize("stack", ["sqlite"], indirect=True)


@dataclass
class Stubborn:
    """A storage that dies at, or does not really delete, the file that is named."""

    storage: Any
    dies_at: str = ""
    keeps: str = ""
    deleted: list[str] = field(default_factory=list)

    def delete(self, key: str) -> None:
        if key == self.dies_at:
            raise KeyboardInterrupt
        self.deleted.append(key)
        if key != self.keeps:
            self.storage.delete(key)

    def size(self, key: str) -> int:
        return int(self.storage.size(key))

    def files(self, folder: str) -> Iterator[Any]:
        return iter(self.storage.files(folder))


@pytest.fixture
def storage(settings: Settings) -> LocalStorage:
    return LocalStorage(settings.data_dir / "files")


@pytest.fixture
def user_id(engine: Engine) -> int:
    return add_user(engine)


@pytest.fixture
def theirs(engine: Engine, storage: LocalStorage, user_id: int) -> Belongings:
    """Of a user who is being erased."""
    found = fill(engine, storage, user_id)
    erase(engine, user_id)
    return found


def erase(engine: Engine, user_id: int, seconds: float = 61) -> None:
    with db.write(engine) as connection:
        erased = {"erased_at": clock.database_now(-seconds), "disabled_at": clock.now()}
        connection.execute(update(User).where(User.id == user_id).values(erased))


def eraser(engine: Engine, storage: Any, **options: Any) -> Eraser:
    return Eraser(engine, storage, **{"forget": lambda claims: None, **options})


def has(storage: Any, key: str) -> bool:
    try:
        return storage.size(key) >= 0
    except NotFound:
        return False


def left(engine: Engine, user_id: int) -> dict[str, int]:
    with engine.connect() as connection:
        return remaining(connection, user_id)


def there(engine: Engine, user_id: int) -> bool:
    with engine.connect() as connection:
        return connection.scalar(select(User.id).where(User.id == user_id)) is not None


def test_every_row_and_file_of_the_user_goes_and_nothing_of_another(
    engine: Engine, storage: LocalStorage, user_id: int, theirs: Belongings
) -> None:
    other = add_user(engine)
    others = fill(engine, storage, other)
    before = (left(engine, user_id), left(engine, other))

    with capture_logs() as logs:
        gone = eraser(engine, storage).advance()

    every = {f"{column.table.name}.{column.name}" for column in references()}
    assert (gone, before[0].keys()) == (1, every), "tests/belongings.py has to know each table of users' rows"
    assert (there(engine, user_id), left(engine, user_id)) == (False, {})
    assert [key for key in (*theirs.files, theirs.left) if has(storage, key)] == []
    assert (there(engine, other), left(engine, other)) == (True, before[1])
    assert all(has(storage, key) for key in (*others.files, others.left))
    counts = {"trash": 1, "favorites": 3, "tasks": 3, "uploads": 1, "provider_keys": 1, "shares": 1, "avatars": 1}
    assert logs == [{"event": "account_erased", "log_level": "info", "user_id": user_id, **counts}]


@OF_SQLITE
def test_the_audit_log_keeps_what_they_did_by_number(
    engine: Engine, storage: LocalStorage, user_id: int, theirs: Belongings
) -> None:
    eraser(engine, storage).advance()

    with engine.connect() as connection:
        entries = connection.execute(select(AuditEntry.admin_id, AuditEntry.admin, AuditEntry.action)).all()
    assert entries == [(None, pseudonym(user_id), "worker.drain")]


def test_a_running_task_is_asked_to_stop_and_waited_for(
    engine: Engine, storage: LocalStorage, user_id: int, theirs: Belongings
) -> None:
    claims = Claims(engine, "worker", 15, 3)
    running = add_task(engine, user_id)
    [claim] = claims.claim("gpu", lambda model: 1)
    waiting = add_task(engine, user_id)
    rounds = eraser(engine, storage)

    gone = rounds.advance()
    asked, cancelled = row(engine, running).cancel_requested, row(engine, waiting).status
    kept = all(has(storage, key) for key in theirs.files)
    claims.cancel(claim)

    assert (gone, asked, cancelled, kept) == (0, True, Status.CANCELLED, True)
    assert (rounds.advance(), there(engine, user_id)) == (1, False)


@pytest.mark.parametrize("dies_at", ["png", "thumb.webp"])
@OF_SQLITE
def test_who_dies_in_between_leaves_rows_by_which_the_next_round_goes_on(
    engine: Engine, storage: LocalStorage, user_id: int, theirs: Belongings, dies_at: str
) -> None:
    dying = Stubborn(storage, dies_at=next(key for key in theirs.files if key.endswith(dies_at)))

    with pytest.raises(KeyboardInterrupt):
        eraser(engine, dying).advance()
    known = row(engine, theirs.done).status
    gone = eraser(engine, storage).advance()

    assert (known, gone, there(engine, user_id)) == (Status.COMPLETED, 1, False)
    assert not any(has(storage, key) for key in (*theirs.files, theirs.left))


@OF_SQLITE
def test_a_file_that_is_still_there_keeps_its_row_and_the_account(
    engine: Engine, storage: LocalStorage, user_id: int, theirs: Belongings
) -> None:
    with capture_logs() as logs:
        gone = eraser(engine, Stubborn(storage, keeps=theirs.files[0])).advance()

    assert (gone, there(engine, user_id), row(engine, theirs.done).status) == (0, True, Status.COMPLETED)
    assert [(line["event"], line["log_level"]) for line in logs] == [("account_not_erased", "error")]
    assert theirs.files[0] in logs[0]["error"]


@OF_SQLITE
def test_the_account_stays_until_requests_that_were_let_in_have_ended(
    engine: Engine, storage: LocalStorage, user_id: int
) -> None:
    erase(engine, user_id, seconds=50)

    early = eraser(engine, storage).advance()
    erase(engine, user_id, seconds=70)

    assert (early, eraser(engine, storage).advance()) == (0, 1)


@OF_SQLITE
def test_a_row_that_no_step_removes_keeps_the_account_and_is_named_in_the_log(
    engine: Engine, storage: LocalStorage, user_id: int, theirs: Belongings
) -> None:
    class Forgetful(Eraser):
        def _remove_uploads(self, user_id: int) -> int:
            return 0

    with capture_logs() as logs:
        gone = Forgetful(engine, storage, forget=lambda claims: None).advance()

    assert (gone, there(engine, user_id)) == (0, True)
    assert logs[0] == {
        "event": "account_not_erased",
        "log_level": "error",
        "user_id": user_id,
        "left": {"uploads.user_id": 1},
    }


@OF_SQLITE
def test_a_round_that_has_no_time_left_goes_on_in_the_next(
    engine: Engine, storage: LocalStorage, user_id: int, theirs: Belongings
) -> None:
    ticks = iter(range(0, 1000, 20))

    with capture_logs() as logs:
        first = eraser(engine, storage, clock=lambda: float(next(ticks))).advance()
    second = eraser(engine, storage).advance()

    assert (first, [line["event"] for line in logs], second) == (0, ["account_being_erased"], 1)


@OF_SQLITE
def test_what_the_broker_knows_of_their_tasks_is_forgotten(
    engine: Engine, storage: LocalStorage, settings: Settings, theirs: Belongings
) -> None:
    redis = redis_client(settings.redis_url)
    board = ProgressBoard(redis)
    board.write(theirs.done, Progress(1, 1, 2))
    board.show(theirs.done, 1, 1, b"small")
    board.ask_to_stop(theirs.done, 1)

    eraser(engine, storage, forget=board.forget).advance()

    assert redis.keys(f"*{theirs.done}*") == []


def test_many_may_be_at_it(engine: Engine, storage: LocalStorage) -> None:
    users = [add_user(engine) for _ in range(3)]
    for user in users:
        fill(engine, storage, user)
        erase(engine, user)

    with ThreadPoolExecutor(3) as threads:
        gone = sum(threads.map(lambda _: eraser(engine, storage).advance(), range(3)))
    gone += eraser(engine, storage).advance()

    assert (gone, [there(engine, user) for user in users]) == (3, [False] * 3)


@OF_SQLITE
def test_files_in_a_bucket_go_too(engine: Engine, bucket: Any, user_id: int) -> None:
    theirs = fill(engine, bucket, user_id)
    erase(engine, user_id)

    gone = eraser(engine, bucket).advance()

    assert (gone, [key for key in (*theirs.files, theirs.left) if has(bucket, key)]) == (1, [])


@OF_SQLITE
def test_nobody_else_is_touched(engine: Engine, storage: LocalStorage, user_id: int) -> None:
    with db.write(engine) as connection:
        connection.execute(update(User).where(User.id == user_id).values(disabled_at=clock.now()))
    task = add_task(engine, user_id)

    gone = eraser(engine, storage).advance()

    assert (gone, row(engine, task).status) == (0, Status.QUEUED)
    with engine.connect() as connection:
        assert connection.scalar(select(Task.cancel_requested)) is False
