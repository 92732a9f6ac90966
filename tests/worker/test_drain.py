"""What a container's commands say of its own workers."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from shared.claims import Claims
from shared.workers import State, Told, Workers
from tests.orders import add_task, add_user
from worker.drain import drained
from worker.health import lives
from worker.registry import Registry

LEASE = 15


def beat(engine: Engine, state: State = State.IDLE, worker_id: str = "w1") -> bool:
    return Registry(engine, worker_id, f"node of {worker_id}").beat(Told(state))


@pytest.fixture
def workers(engine: Engine) -> Iterator[Workers]:
    with Session(engine) as session:
        yield Workers(session, LEASE)


def until(*acts: Callable[[], object]) -> Callable[[float], None]:
    """A sleep, during which one thing after the other happens."""
    left = iter(acts)
    return lambda seconds: next(left)() and None


def test_draining_waits_until_the_worker_has_heard_and_has_nothing_left(engine: Engine) -> None:
    add_task(engine, add_user(engine))
    beat(engine)
    claims = Claims(engine, "w1", LEASE, 3)
    [claim] = claims.claim("gpu", lambda shape: 1)
    happened = []

    def say(what: str, act: Callable[[], object]) -> Callable[[], object]:
        return lambda: (happened.append(what), act())

    through = drained(
        engine,
        LEASE,
        limit=10,
        sleep=until(
            say("heard", lambda: beat(engine, State.DRAINING)), say("done", lambda: claims.complete(claim, []))
        ),
    )

    assert through
    assert happened == ["heard", "done"]
    assert beat(engine), "it is to take no more"


def test_a_task_that_takes_longer_than_the_limit_is_not_waited_for(engine: Engine) -> None:
    beat(engine)
    slept = []

    through = drained(engine, LEASE, limit=3, sleep=slept.append)

    assert not through
    assert len(slept) == 3


def test_where_no_worker_lives_there_is_nothing_to_wait_for(engine: Engine) -> None:
    assert drained(engine, LEASE, limit=0)


def test_another_hosts_workers_go_on(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    beat(engine)
    monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")

    through = drained(engine, LEASE, limit=0)

    assert through
    assert not beat(engine)


@pytest.mark.parametrize("state", [State.IDLE, State.LOADING, State.DRAINING])
def test_a_host_is_healthy_while_its_worker_lives(engine: Engine, workers: Workers, state: State) -> None:
    beat(engine, state)

    assert lives(workers)


def test_one_that_hangs_is_not_healthy(engine: Engine, workers: Workers) -> None:
    beat(engine, State.STALLED)

    assert not lives(workers)


def test_one_that_has_not_beaten_for_a_leases_length_is_not(engine: Engine) -> None:
    beat(engine)

    with Session(engine) as session:
        assert not lives(Workers(session, lease_seconds=-1))


def test_another_hosts_beat_is_not_this_hosts_health(
    engine: Engine, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat(engine)
    monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")

    assert not lives(workers)
