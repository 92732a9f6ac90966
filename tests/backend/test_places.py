"""The place of a task in a queue that is too long to be counted by each poll."""

import pytest
from sqlalchemy import Engine, update

from backend.reads import Reads
from backend.services import places as places_module
from backend.services.looks import KEPT_SECONDS
from backend.services.places import Places
from backend.services.task_rows import TaskRows
from shared.lifecycle import Status
from shared.models import Task
from tests.conftest import Stack
from tests.fakes.clock import FakeClock
from tests.orders import add_task, add_user

WAITING = 5


@pytest.fixture
def reads(stack: Stack) -> Reads:
    return Reads.of(stack.database_url, 1)


@pytest.fixture
def user(engine: Engine) -> int:
    return add_user(engine)


@pytest.fixture
def tasks(engine: Engine, user: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """More than a short queue has, in their order."""
    monkeypatch.setattr(places_module, "LONG", WAITING - 1)
    return [add_at(engine, user, float(number)) for number in range(WAITING)]


def add_at(engine: Engine, user: int, start: float) -> str:
    task = add_task(engine, user)
    move(engine, task, start)
    return task


def move(engine: Engine, task: str, start: float) -> None:
    with engine.begin() as connection:
        connection.execute(update(Task).where(Task.public_id == task).values(virtual_start=start))


def shown(rows: TaskRows, user: int, tasks: list[str]) -> list[int | None]:
    found = {row.public_id: row.queue_position for row in rows.find_all(user, tasks)}
    assert [rows.find(user, task).queue_position for task in tasks] == [found[task] for task in tasks]
    return [found[task] for task in tasks]


def test_every_place_is_right_before_and_after_the_queue_is_known_to_be_long(
    reads: Reads, user: int, tasks: list[str]
) -> None:
    places = Places(reads)
    rows = TaskRows(reads, places)

    seen = [(places.long, shown(rows, user, tasks)) for _ in range(2)]

    assert [position for _, position in seen] == [[1, 2, 3, 4, 5]] * 2
    assert places.long


def test_a_long_queue_is_looked_at_now_and_then(engine: Engine, reads: Reads, user: int, tasks: list[str]) -> None:
    clock = FakeClock(100.0)
    rows = TaskRows(reads, Places(reads, clock))
    shown(rows, user, tasks)
    with engine.begin() as connection:
        connection.execute(update(Task).where(Task.public_id == tasks[0]).values(status=Status.PROCESSING))
    move(engine, tasks[1], 9.0)
    newest = add_at(engine, user, 10.0)

    early = shown(rows, user, [*tasks[2:], newest])
    clock.now += KEPT_SECONDS + 1
    late = shown(rows, user, [*tasks[2:], tasks[1], newest])

    assert (early, late) == ([3, 4, 5, 6], [1, 2, 3, 4, 5])


def test_a_queue_that_has_become_short_is_counted_again(
    engine: Engine, reads: Reads, user: int, tasks: list[str]
) -> None:
    clock = FakeClock(100.0)
    places = Places(reads, clock)
    rows = TaskRows(reads, places)
    shown(rows, user, tasks)
    with engine.begin() as connection:
        connection.execute(update(Task).where(Task.public_id.in_(tasks[:3])).values(status=Status.CANCELLED))

    clock.now += KEPT_SECONDS + 1

    assert shown(rows, user, tasks) == [None, None, None, 1, 2]
    assert not places.long
