"""What each beat does, without its thread."""

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from shared.claims import Claims
from shared.lifecycle import Status
from shared.messages import Wake
from shared.models import Worker
from tests.fakes.board import FakeQueue
from tests.orders import add_task, add_user, row
from worker import health
from worker.heartbeat import Heartbeat
from worker.leases import Leases
from worker.registry import Registry


def heart(engine: Engine, worker_id: str, node: str, queue: FakeQueue | None = None) -> Heartbeat:
    leases = Leases(Claims(engine, worker_id, 15, 3), 15)
    heartbeat = Heartbeat(leases, Registry(engine, worker_id, node), queue or FakeQueue(), 3)  # type: ignore[arg-type]
    heartbeat.announce()
    return heartbeat


def workers(engine: Engine) -> list[str]:
    with Session(engine) as session:
        return list(session.scalars(select(Worker.id).order_by(Worker.id)))


def test_a_beat_registers_the_worker(engine: Engine) -> None:
    heart(engine, "w1", "node").beat()

    assert workers(engine) == ["w1"]


def test_a_process_that_cannot_work_yet_does_not_look_alive(engine: Engine) -> None:
    leases = Leases(Claims(engine, "w1", 15, 3), 15)

    Heartbeat(leases, Registry(engine, "w1", "node"), FakeQueue(), 3).beat()  # type: ignore[arg-type]

    assert workers(engine) == []


def test_a_successor_takes_over_what_its_dead_predecessor_held(engine: Engine) -> None:
    task = add_task(engine, add_user(engine))
    heart(engine, "dead", "node").beat()
    Claims(engine, "dead", 15, 3).claim("gpu", lambda model: 1)

    heart(engine, "successor", "node").beat()

    assert (row(engine, task).status, row(engine, task).attempt) == (Status.QUEUED, 1)
    assert workers(engine) == ["successor"]


def test_another_nodes_worker_is_left_alone(engine: Engine) -> None:
    task = add_task(engine, add_user(engine))
    heart(engine, "neighbour", "there").beat()
    Claims(engine, "neighbour", 15, 3).claim("gpu", lambda model: 1)

    heart(engine, "newcomer", "here").beat()

    assert row(engine, task).status == Status.PROCESSING
    assert workers(engine) == ["neighbour", "newcomer"]


def test_a_task_that_waits_without_a_hint_is_rung_for(engine: Engine) -> None:
    add_task(engine, add_user(engine), age=10)
    queue = FakeQueue()

    heart(engine, "w1", "node", queue).beat()

    assert queue.sent == [Wake("gpu")]


def test_a_task_that_has_just_come_is_not_rung_for(engine: Engine) -> None:
    add_task(engine, add_user(engine))
    queue = FakeQueue()

    heart(engine, "w1", "node", queue).beat()

    assert queue.sent == []


def test_a_vanished_workers_task_goes_back_when_its_lease_runs_out(engine: Engine) -> None:
    task = add_task(engine, add_user(engine))
    Claims(engine, "vanished", -1, 3).claim("gpu", lambda model: 1)

    heart(engine, "w1", "node").beat()

    assert row(engine, task).status == Status.QUEUED


def test_leaving_is_seen_at_once(engine: Engine) -> None:
    registry = Registry(engine, "w1", "node")
    registry.beat()

    registry.leave()

    assert workers(engine) == []


def test_a_hosts_health_is_its_own_workers_beat(engine: Engine) -> None:
    assert not health.beats(engine, seconds=15)

    Registry(engine, "w1", "node").beat()

    assert health.beats(engine, seconds=15)
    assert not health.beats(engine, seconds=-1)


def test_another_hosts_beat_is_not_this_hosts_health(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    Registry(engine, "w1", "node").beat()
    monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")

    assert not health.beats(engine, seconds=15)
