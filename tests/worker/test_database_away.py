"""A worker that cannot reach the database stops, loses nothing, and goes on when it can again."""

from collections.abc import Callable, Iterator, Sequence

import pytest
from sqlalchemy import Engine, event, update
from sqlalchemy.exc import OperationalError

from shared import db
from shared.claims import Claim, Claims
from shared.clock import database_now
from shared.lifecycle import Status
from shared.models import Task
from shared.storage import LocalStorage
from shared.workers import State, Told
from tests.conftest import Stack
from tests.fakes.board import FakeBoard
from tests.fakes.generator import FakeGenerator
from tests.orders import add_task, add_user, row
from worker import handback
from worker.duty import Duty
from worker.finisher import Finisher
from worker.heartbeat import Heartbeat
from worker.job import Jobs
from worker.leases import Leases
from worker.pulse import Pulse
from worker.registry import Registry

MakeJobs = Callable[[FakeGenerator], Jobs]


class Cable:
    """What the worker reaches the database through; the test has one of its own."""

    def __init__(self, url: str) -> None:
        self.cut = False
        self.engine = db.connect(url)
        event.listen(self.engine, "before_cursor_execute", self._refuse)

    def _refuse(self, *_: object) -> None:
        if self.cut:
            raise OperationalError("", {}, Exception("gone away"))


@pytest.fixture
def cable(stack: Stack) -> Iterator[Cable]:
    cable = Cable(stack.database_url)
    yield cable
    cable.engine.dispose()


@pytest.fixture
def leases(cable: Cable) -> Leases:
    return Leases(Claims(cable.engine, "worker", 15, 3), lease_seconds=15)


@pytest.fixture
def board() -> FakeBoard:
    return FakeBoard()


@pytest.fixture
def jobs(leases: Leases, storage: LocalStorage, board: FakeBoard) -> MakeJobs:
    def make(generator: FakeGenerator) -> Jobs:
        finisher = Finisher(leases.claims, leases, storage, board.announce)
        return Jobs(leases.claims, leases, generator, finisher, board, Duty())  # type: ignore[arg-type]

    return make


def cut_off(cable: Cable, leases: Leases) -> Callable[[Sequence[Claim]], None]:
    """What befalls a run: nobody can be asked any more, and the lease was renewed long ago."""

    def cut(claimed: Sequence[Claim]) -> None:
        cable.cut = True
        leases.hold(claimed, since=-1000)

    return cut


def test_a_run_ends_at_the_next_step_when_its_lease_could_not_be_renewed(
    engine: Engine, jobs: MakeJobs, cable: Cable, leases: Leases, board: FakeBoard
) -> None:
    task = add_task(engine, add_user(engine))

    left = jobs(FakeGenerator(trouble=cut_off(cable, leases))).look("gpu")

    assert not left
    assert board.written == []
    assert row(engine, task).status == Status.PROCESSING, "nobody could be told"


def test_the_task_is_done_when_the_database_is_back(
    engine: Engine, jobs: MakeJobs, cable: Cable, leases: Leases
) -> None:
    task = add_task(engine, add_user(engine))
    jobs(FakeGenerator(trouble=cut_off(cable, leases))).look("gpu")
    with db.write(engine) as connection:
        connection.execute(update(Task).values(lease_until=database_now(-1)))

    cable.cut = False
    leases.claims.expire()
    jobs(FakeGenerator()).look("gpu")

    assert (row(engine, task).status, row(engine, task).fence) == (Status.COMPLETED, 2)


def test_what_was_lost_while_the_database_was_away_goes_back_uncounted(
    engine: Engine, jobs: MakeJobs, cable: Cable, leases: Leases
) -> None:
    task = add_task(engine, add_user(engine))
    jobs(FakeGenerator(trouble=cut_off(cable, leases))).look("gpu")

    cable.cut = False
    leases.renew()

    assert (row(engine, task).status, row(engine, task).attempt) == (Status.QUEUED, 0)


def test_after_the_database_was_away_nobody_takes_anybodys_tasks_for_a_leases_length(
    engine: Engine, cable: Cable, leases: Leases
) -> None:
    now = 0.0
    beside = (Registry(cable.engine, "worker", "node"), Duty(), Pulse(60, 60), lambda: Told(State.IDLE), 3)
    heartbeat = Heartbeat(leases, *beside, clock=lambda: now)
    heartbeat.announce()
    task = add_task(engine, add_user(engine))
    Claims(engine, "other", -1, 3).claim("gpu", lambda shape: 1)
    for away in (True, False):
        cable.cut = away
        heartbeat.beat()
    spared = row(engine, task).status

    now = leases.seconds
    heartbeat.beat()

    assert (spared, row(engine, task).status) == (Status.PROCESSING, Status.QUEUED)


def test_who_looks_while_the_database_is_away_finds_nothing_and_looks_again(
    engine: Engine, jobs: MakeJobs, cable: Cable
) -> None:
    task = add_task(engine, add_user(engine))
    running = jobs(FakeGenerator())
    cable.cut = True

    found = running.look("gpu")
    cable.cut = False
    running.look("gpu")

    assert not found
    assert row(engine, task).status == Status.COMPLETED


def test_a_process_that_is_ended_meanwhile_ends_and_is_found_with_what_it_holds(
    engine: Engine, jobs: MakeJobs, cable: Cable, leases: Leases, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(claimed: Sequence[Claim]) -> None:
        cable.cut = True
        raise SystemExit(1)

    monkeypatch.setattr(handback, "PATIENCE_SECONDS", -1)
    add_task(engine, add_user(engine))

    with pytest.raises(SystemExit):
        jobs(FakeGenerator(trouble=end)).look("gpu")

    assert not leases.none


def test_beats_are_missed_and_come_again(engine: Engine, cable: Cable, leases: Leases) -> None:
    registry = Registry(cable.engine, "worker", "node")
    heartbeat = Heartbeat(leases, registry, Duty(), Pulse(60, 60), lambda: Told(State.IDLE), 3)
    heartbeat.announce()
    cable.cut = True

    heartbeat.beat()
    cable.cut = False
    heartbeat.beat()

    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT id FROM workers").scalars().all() == ["worker"]
