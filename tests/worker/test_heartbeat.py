"""What each beat does, without its thread."""

from dataclasses import dataclass, field

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from shared.claims import Claims
from shared.lifecycle import Status
from shared.models import Worker
from shared.workers import State, Told, Workers
from tests.orders import add_task, add_user, row
from worker.duty import Duty
from worker.heartbeat import STALLED_STATUS, Heartbeat
from worker.leases import Leases
from worker.pulse import Pulse
from worker.registry import Registry


@dataclass
class Heart:
    """A heartbeat and what is around it; `ended` are the statuses that its process was ended with."""

    engine: Engine
    worker_id: str
    node: str = "node"
    announced: bool = True
    state: State = State.IDLE
    now: float = 0.0
    ended: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        leases = Leases(Claims(self.engine, self.worker_id, 15, 3), 15)
        self.registry = Registry(self.engine, self.worker_id, self.node)
        self.duty = Duty()
        pulse = Pulse(stall_seconds=60, load_seconds=60, clock=lambda: self.now)
        told = lambda: Told(self.state, ("tiny",), ended=3, memory=5_000_000_000)  # noqa: E731
        self._heartbeat = Heartbeat(leases, self.registry, self.duty, pulse, told, 3, self.ended.append)
        if self.announced:
            self._heartbeat.announce()

    def beat(self) -> "Heart":
        self._heartbeat.beat()
        return self


def workers(engine: Engine) -> dict[str, State]:
    with Session(engine) as session:
        return {worker.id: worker.state for worker in Workers(session, lease_seconds=15).all()}


def drain(engine: Engine, name: str) -> None:
    with Session(engine) as session:
        Workers(session, lease_seconds=15).drain(name)


def test_a_beat_registers_the_worker(engine: Engine) -> None:
    Heart(engine, "w1").beat()

    assert workers(engine) == {"w1": State.IDLE}


def test_each_beat_tells_what_the_worker_is_at(engine: Engine) -> None:
    heart = Heart(engine, "w1", state=State.LOADING).beat()
    heart.state = State.IDLE

    heart.beat()

    with Session(engine) as session:
        told = session.scalars(select(Worker)).one()
        assert (told.state, told.models, told.ended, told.memory) == ("idle", ["tiny"], 3, 5_000_000_000)


def test_a_process_that_cannot_work_yet_does_not_look_alive(engine: Engine) -> None:
    Heart(engine, "w1", announced=False).beat()

    assert workers(engine) == {}


def test_a_successor_takes_over_what_its_dead_predecessor_held(engine: Engine) -> None:
    task = add_task(engine, add_user(engine))
    Heart(engine, "dead").beat()
    Claims(engine, "dead", 15, 3).claim("gpu", lambda shape: 1)

    Heart(engine, "successor").beat()

    assert (row(engine, task).status, row(engine, task).attempt) == (Status.QUEUED, 1)
    assert workers(engine) == {"successor": State.IDLE}


def test_until_the_successor_can_work_the_dead_one_is_shown_as_gone(engine: Engine) -> None:
    Heart(engine, "dead").beat()

    Heart(engine, "successor", announced=False).beat()

    assert workers(engine) == {"dead": State.GONE}


def test_another_nodes_worker_is_left_alone(engine: Engine) -> None:
    task = add_task(engine, add_user(engine))
    Heart(engine, "neighbour", "there").beat()
    Claims(engine, "neighbour", 15, 3).claim("gpu", lambda shape: 1)

    Heart(engine, "newcomer", "here").beat()

    assert row(engine, task).status == Status.PROCESSING
    assert workers(engine) == {"neighbour": State.BUSY, "newcomer": State.IDLE}


def test_a_vanished_workers_task_goes_back_when_its_lease_runs_out(engine: Engine) -> None:
    task = add_task(engine, add_user(engine))
    Claims(engine, "vanished", -1, 3).claim("gpu", lambda shape: 1)

    Heart(engine, "w1").beat()

    assert row(engine, task).status == Status.QUEUED


def test_a_drained_worker_hears_of_it_at_its_next_beat(engine: Engine) -> None:
    heart = Heart(engine, "w1").beat()
    heard = heart.duty.draining
    drain(engine, "node")

    heart.beat()

    assert (heard, heart.duty.draining) == (False, True)


def test_a_drained_workers_successor_is_drained_too_and_knows_it_before_it_takes_tasks(engine: Engine) -> None:
    Heart(engine, "w1").beat()
    drain(engine, "node")

    successor = Heart(engine, "w2")

    assert successor.duty.draining


def test_a_process_whose_device_hangs_says_so_and_ends_itself(engine: Engine) -> None:
    task = add_task(engine, add_user(engine))
    heart = Heart(engine, "w1").beat()
    Claims(engine, "w1", 15, 3).claim("gpu", lambda shape: 1)
    heart.now = 61

    heart.beat()

    assert heart.ended == [STALLED_STATUS]
    assert workers(engine) == {"w1": State.STALLED}
    assert row(engine, task).status == Status.PROCESSING


def test_the_successor_of_one_that_hung_frees_its_tasks_at_once(engine: Engine) -> None:
    task = add_task(engine, add_user(engine))
    heart = Heart(engine, "w1").beat()
    Claims(engine, "w1", 15, 3).claim("gpu", lambda shape: 1)
    heart.now = 61
    heart.beat()

    Heart(engine, "w2", announced=False).beat()

    assert (row(engine, task).status, row(engine, task).attempt) == (Status.QUEUED, 1)
    assert workers(engine) == {"w1": State.STALLED}


def test_leaving_is_seen_at_once(engine: Engine) -> None:
    heart = Heart(engine, "w1").beat()

    heart.registry.leave()

    assert workers(engine) == {}
