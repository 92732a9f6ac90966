"""The parent's watch over its child, on real processes."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import OperationalError

from shared.claims import Claims
from shared.models import Task
from shared.settings import Settings
from shared.workers import State, Told
from tests.orders import add_task, add_user
from worker.parent import CHILDLESS_SECONDS, CHILDLESS_STATUS, ChildWatch, freeing
from worker.registry import Registry


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def kill(child: subprocess.Popen[bytes]) -> None:
    """It dies, and nobody has taken note."""
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)


def status_of(engine: Engine, task: str) -> str:
    with engine.connect() as connection:
        return str(connection.scalar(select(Task.status).where(Task.public_id == task)))


class Parent:
    """A parent with these children; `ended` are the statuses that it was ended with."""

    def __init__(self, *pids: int) -> None:
        self.pids: list[int] | None = list(pids)
        self.now = 0.0
        self.ended: list[int] = []
        self.freed: list[int] = []
        self.database_away = False
        self.watch = ChildWatch(lambda: self.pids, self._free, self.ended.append, lambda: self.now)

    def _free(self, pid: int) -> None:
        if self.database_away:
            raise OperationalError("UPDATE", {}, Exception("gone away"))
        self.freed.append(pid)

    def look_after(self, seconds: float) -> bool:
        self.now += seconds
        return self.watch.look()


def test_a_living_child_is_looked_at_again_and_again(child: subprocess.Popen[bytes]) -> None:
    parent = Parent(child.pid)

    assert [parent.look_after(CHILDLESS_SECONDS + 1) for _ in range(3)] == [True] * 3
    assert parent.ended == parent.freed == []


def test_what_a_dead_child_held_is_free_at_once_and_once(child: subprocess.Popen[bytes]) -> None:
    parent = Parent(child.pid)
    parent.look_after(1)
    kill(child)

    for _ in range(3):
        parent.look_after(1)

    assert parent.freed == [child.pid]


def test_a_dead_child_that_celery_has_forgotten_already_is_no_exception(child: subprocess.Popen[bytes]) -> None:
    parent = Parent(child.pid)
    parent.look_after(1)
    parent.pids = []

    parent.look_after(1)

    assert parent.freed == [child.pid]


def test_while_the_database_is_away_it_is_tried_again(child: subprocess.Popen[bytes]) -> None:
    parent = Parent(child.pid)
    parent.look_after(1)
    kill(child)
    parent.database_away = True
    parent.look_after(1)
    parent.database_away = False

    parent.look_after(1)

    assert parent.freed == [child.pid]


def test_only_the_tasks_of_that_process_are_freed(engine: Engine, settings: Settings) -> None:
    user = add_user(engine)
    tasks = {}
    for name, node in (("mine", "n" * 32), ("elsewhere", "e" * 32)):
        tasks[name] = add_task(engine, user)
        Claims(engine, name, 3600, 3).claim("gpu", lambda shape: 1)
        Registry(engine, name, node).beat(Told(State.IDLE))
    freeing(settings, "n" * 32)(os.getpid() + 1)
    before = status_of(engine, tasks["mine"])

    freeing(settings, "n" * 32)(os.getpid())

    assert (before, status_of(engine, tasks["mine"])) == ("processing", "queued")
    assert status_of(engine, tasks["elsewhere"]) == "processing"


def test_a_dead_child_that_nobody_replaces_ends_the_parent(child: subprocess.Popen[bytes]) -> None:
    parent = Parent(child.pid)
    kill(child)

    looks = [parent.look_after(CHILDLESS_SECONDS), parent.look_after(1)]

    assert looks == [True, False]
    assert parent.ended == [CHILDLESS_STATUS]


def test_a_child_that_is_replaced_in_time_does_not(child: subprocess.Popen[bytes]) -> None:
    parent = Parent()
    parent.look_after(CHILDLESS_SECONDS)
    parent.pids = [child.pid]

    assert [parent.look_after(1), parent.look_after(CHILDLESS_SECONDS)] == [True, True]
    assert parent.ended == []


def test_a_pool_that_was_stopped_is_not_watched_any_more() -> None:
    parent = Parent()
    parent.pids = None

    assert not parent.look_after(CHILDLESS_SECONDS + 1)
    assert parent.ended == []
