"""The parent's watch over its child, on real processes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.exc import OperationalError

from shared import db
from shared.claims import Claims
from shared.models import Task, Worker
from shared.settings import Settings
from shared.workers import State, Told
from tests.orders import add_task, add_user
from worker.parent import ASK_SECONDS, CHILDLESS_SECONDS, CHILDLESS_STATUS, ChildWatch, Silence, freeing, silence
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
        self.silent: list[int] = []
        self.watch = ChildWatch(lambda: self.pids, self._free, self._silent, self.ended.append, lambda: self.now)

    def _free(self, pid: int) -> None:
        if self.database_away:
            raise OperationalError("UPDATE", {}, Exception("gone away"))
        self.freed.append(pid)

    def _silent(self, living: object) -> list[int]:
        return self.silent

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


def test_a_child_that_does_not_beat_any_more_is_killed_and_its_tasks_are_free(child: subprocess.Popen[bytes]) -> None:
    parent = Parent(child.pid)
    child.send_signal(signal.SIGSTOP)
    parent.silent = [child.pid]

    parent.look_after(1)
    child.wait(10)
    parent.look_after(1)

    assert child.returncode == -signal.SIGKILL
    assert parent.freed == [child.pid]


def test_an_error_that_nobody_expects_does_not_end_the_watch(child: subprocess.Popen[bytes]) -> None:
    def broken(pid: int) -> None:
        raise RuntimeError("broken")

    watch = ChildWatch(lambda: [child.pid], broken, lambda living: [])
    watch.look_on()
    kill(child)

    assert watch.look_on()


class Heart:
    """A child's heart as the database shows it to somebody who asks now and then; None for one that never beat."""

    def __init__(self) -> None:
        self.beat_at: datetime | None = datetime(2026, 1, 1, tzinfo=UTC)
        self.away = False
        self.now = 0.0
        self.silence = Silence(self._last_beat, 60.0, lambda: self.now)

    def _last_beat(self, pid: int) -> datetime | None:
        if self.away:
            raise OperationalError("SELECT", {}, Exception("gone away"))
        return self.beat_at

    def beat(self) -> None:
        assert self.beat_at
        self.beat_at += timedelta(seconds=3)

    def looks(self, seconds: float) -> list[int]:
        """What is found in so many seconds, looked at four times a second."""
        found: list[int] = []
        for _ in range(int(seconds * 4)):
            self.now += 0.25
            found = found or self.silence.of([7])
        return found


def test_a_heart_that_stands_still_for_a_minute_is_given_up_and_not_before() -> None:
    heart = Heart()

    assert (heart.looks(60), heart.looks(ASK_SECONDS)) == ([], [7])


def test_one_that_beats_is_not() -> None:
    heart = Heart()
    found = []
    for _ in range(10):
        heart.beat()
        found += heart.looks(50)

    assert found == []


def test_one_that_has_not_begun_is_not() -> None:
    heart = Heart()
    heart.beat_at = None

    assert heart.looks(600) == []


def test_while_the_database_is_away_no_heart_can_be_heard() -> None:
    heart = Heart()
    heart.looks(50)
    heart.away = True
    heart.looks(15)
    heart.away = False

    assert heart.looks(50) == []


def test_a_machine_that_slept_has_silenced_nobody() -> None:
    heart = Heart()
    heart.looks(30)
    heart.now += 3600

    assert heart.looks(15) == []


def test_the_database_says_when_a_process_of_this_node_has_beaten(engine: Engine, settings: Settings) -> None:
    Registry(engine, "mine", "n" * 32).beat(Told(State.IDLE))
    Registry(engine, "elsewhere", "e" * 32).beat(Told(State.IDLE))
    ours, theirs = silence(settings, "n" * 32), silence(settings, "e" * 32)
    with db.write(engine) as connection:
        beaten = datetime(2026, 1, 1, tzinfo=UTC)
        connection.execute(update(Worker).where(Worker.id == "mine").values(beat_at=beaten))

    assert ours._last_beat(os.getpid()) == beaten
    assert ours._last_beat(os.getpid() + 1) is None
    assert theirs._last_beat(os.getpid()) != beaten


def test_a_pool_that_was_stopped_is_not_watched_any_more() -> None:
    parent = Parent()
    parent.pids = None

    assert not parent.look_after(CHILDLESS_SECONDS + 1)
    assert parent.ended == []
