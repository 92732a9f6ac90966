"""What is kept of a polled row, and that nothing old is ever told."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, update

from backend.reads import Reads
from backend.services.places import Places
from backend.services.task_rows import TaskRows
from backend.services.tokens import TokenClaims
from shared.claims import Claims
from shared.clock import database_now
from shared.errors import NotFound, TokenRevoked
from shared.lifecycle import Status
from shared.models import RevokedToken, Task, User
from tests.conftest import Stack
from tests.orders import add_task, add_user, result_entry


class Counted(Reads):
    """Counts the statements that read the whole row."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.whole = 0

    def one(self, statement, **values):  # type: ignore[no-untyped-def]
        self.whole += "prompt" in [column.key for column in statement.selected_columns]
        return super().one(statement, **values)


@pytest.fixture
def reads(stack: Stack) -> Counted:
    return Counted.of(stack.database_url, 1)


@pytest.fixture
def rows(reads: Counted) -> TaskRows:
    return TaskRows(reads, Places(reads))


@pytest.fixture
def user(engine: Engine) -> int:
    return add_user(engine)


@pytest.fixture
def task(engine: Engine, user: int) -> str:
    task = add_task(engine, user)
    settle(engine)
    return task


def settle(engine: Engine) -> None:
    """As if nothing had changed for a while."""
    with engine.begin() as connection:
        connection.execute(update(Task).values(updated_at=database_now(-60)))


def claims(user: int, version: int = 0) -> TokenClaims:
    return TokenClaims(user, version, "a-token", datetime.now(UTC) + timedelta(hours=1))


def test_a_row_that_does_not_change_is_read_once(rows: TaskRows, reads: Counted, user: int, task: str) -> None:
    found = [rows.find(user, task) for _ in range(3)]

    assert found[0] == found[1] == found[2]
    assert reads.whole == 1


def test_one_that_changed_a_moment_ago_is_read_each_time(
    rows: TaskRows, reads: Counted, engine: Engine, user: int
) -> None:
    task = add_task(engine, user)

    for _ in range(3):
        rows.find(user, task)

    assert reads.whole == 3


def test_every_change_is_seen_at_once(rows: TaskRows, engine: Engine, user: int, task: str) -> None:
    worker = Claims(engine, "worker", 15, 3)
    seen = [rows.find(user, task).status]
    [claim] = worker.claim("gpu", lambda model: 1)
    seen.append(rows.find(user, task).status)
    settle(engine)
    seen.append(rows.find(user, task).status)
    worker.complete(claim, [result_entry(f"{task}.png")])
    last = rows.find(user, task)

    assert [*seen, last.status] == ["queued", "processing", "processing", "completed"]
    assert last.results


def test_a_task_that_waits_again_has_its_place(rows: TaskRows, engine: Engine, user: int) -> None:
    add_task(engine, user)
    task = add_task(engine, user)
    seen = []
    for status in (Status.PROCESSING, Status.QUEUED):
        with engine.begin() as connection:
            connection.execute(update(Task).where(Task.public_id == task).values(status=status))
        settle(engine)
        seen += [rows.find(user, task).queue_position, rows.find_claimed(claims(user), task).queue_position]

    assert seen == [None, None, 2, 2]


def test_the_place_in_the_queue_is_never_an_old_one(rows: TaskRows, engine: Engine, user: int) -> None:
    add_task(engine, user)
    second = add_task(engine, user)
    settle(engine)
    before = rows.find(user, second).queue_position
    Claims(engine, "worker", 15, 3).claim("gpu", lambda model: 1)

    assert (before, rows.find(user, second).queue_position) == (2, 1)


def test_somebody_elses_task_is_unknown_even_when_it_is_kept(
    rows: TaskRows, engine: Engine, user: int, task: str
) -> None:
    rows.find(user, task)

    with pytest.raises(NotFound):
        rows.find(add_user(engine), task)


def test_a_deleted_task_is_unknown_even_when_it_is_kept(rows: TaskRows, engine: Engine, user: int, task: str) -> None:
    rows.find(user, task)
    with engine.begin() as connection:
        connection.execute(update(Task).values(deleted_at=database_now()))

    with pytest.raises(NotFound):
        rows.find(user, task)


def test_a_token_is_looked_at_in_the_same_go(rows: TaskRows, engine: Engine, user: int, task: str) -> None:
    assert rows.find_claimed(claims(user), task).public_id == task
    with pytest.raises(NotFound):
        rows.find_claimed(claims(user), "task_unknown")
    with pytest.raises(NotFound):
        rows.find_claimed(claims(add_user(engine)), task)


@pytest.mark.parametrize("task_known", [True, False])
def test_a_token_that_does_not_count_any_more_learns_nothing(
    rows: TaskRows, engine: Engine, user: int, task: str, task_known: bool
) -> None:
    name = task if task_known else "task_unknown"
    rows.find(user, task)
    with engine.begin() as connection:
        connection.execute(User.__table__.update().values(token_version=1))

    with pytest.raises(TokenRevoked):
        rows.find_claimed(claims(user), name)
    with pytest.raises(TokenRevoked):
        rows.find_claimed(claims(user + 1000, 1), name)
    assert rows.find_claimed(claims(user, 1), task).public_id == task

    with engine.begin() as connection:
        ended = {"jti": "a-token", "expires_at": claims(user).expires_at}
        connection.execute(RevokedToken.__table__.insert().values(ended))

    with pytest.raises(TokenRevoked):
        rows.find_claimed(claims(user, 1), name)
