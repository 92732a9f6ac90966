"""The workers as everybody else sees them."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from shared import db
from shared.claims import Claims
from shared.clock import database_now
from shared.models import Worker
from shared.workers import ABLE, State, Workers
from tests.orders import add_task, add_user, row

LEASE = 15
Add = Callable[..., str]


@pytest.fixture
def workers(engine: Engine) -> Iterator[Workers]:
    with Session(engine) as session:
        yield Workers(session, LEASE)


@pytest.fixture
def add(engine: Engine) -> Add:
    """A worker whose last beat is `age` seconds old."""

    def add_worker(id: str, node: str = "n", host: str = "h", state: State = State.IDLE, age: float = 0) -> str:
        told = {"state": state, "models": ["tiny"], "ended": 2, "memory": 10_000_000}
        moments = {"started_at": database_now(-60), "beat_at": database_now(-age)}
        with db.write(engine) as connection:
            connection.execute(Worker.__table__.insert().values(id=id, node=node, host=host, **told, **moments))
        return id

    return add_worker


@pytest.mark.parametrize("state", [State.LOADING, State.IDLE, State.DRAINING, State.STALLED])
def test_a_worker_is_at_what_it_said_last(workers: Workers, add: Add, state: State) -> None:
    add("w", state=state)

    [seen] = workers.all()

    assert seen.state == state
    assert (seen.id, seen.node, seen.host, seen.models, seen.ended, seen.memory) == ("w", "n", "h", ("tiny",), 2, 10**7)


@pytest.mark.parametrize("state", list(State))
def test_one_that_has_not_beaten_for_a_leases_length_is_gone(workers: Workers, add: Add, state: State) -> None:
    add("w", state=state, age=LEASE + 1)

    [seen] = workers.all()

    assert seen.state == State.GONE
    assert seen.silent.total_seconds() > LEASE


def test_one_that_holds_tasks_is_busy_with_them(engine: Engine, workers: Workers, add: Add) -> None:
    user = add_user(engine)
    held = [add_task(engine, user) for _ in range(2)]
    waiting = add_task(engine, user, steps=9)
    Claims(engine, add("w"), LEASE, 3).claim("gpu", lambda shape: 2)
    add("x")

    busy, idle = workers.all()

    assert (busy.state, busy.tasks, busy.busy_since) == (State.BUSY, tuple(held), row(engine, held[0]).started_at)
    assert (idle.state, idle.tasks, idle.busy_since) == (State.IDLE, (), None)
    assert waiting not in busy.tasks


def test_a_draining_one_that_still_works_shows_both(engine: Engine, workers: Workers, add: Add) -> None:
    task = add_task(engine, add_user(engine))
    Claims(engine, add("w", state=State.DRAINING), LEASE, 3).claim("gpu", lambda shape: 1)

    [seen] = workers.all()

    assert (seen.state, seen.tasks) == (State.DRAINING, (task,))


def test_what_it_has_ended_it_does_not_hold(engine: Engine, workers: Workers, add: Add) -> None:
    add_task(engine, add_user(engine))
    claims = Claims(engine, add("w"), LEASE, 3)
    claims.complete(*claims.claim("gpu", lambda shape: 1), results=[])

    [seen] = workers.all()

    assert (seen.state, seen.tasks) == (State.IDLE, ())


def test_they_are_counted_by_what_they_are_at(workers: Workers, add: Add) -> None:
    for number, state in enumerate([State.IDLE, State.IDLE, State.DRAINING, State.STALLED]):
        add(f"w{number}", state=state)
    add("old", age=LEASE + 1)

    counted = workers.count()

    seen = {state: number for state, number in counted.items() if number}
    assert seen == {State.IDLE: 2, State.DRAINING: 1, State.STALLED: 1, State.GONE: 1}
    assert set(counted) == set(State)


def test_who_drains_hangs_or_is_gone_takes_no_tasks() -> None:
    assert set(State) - ABLE == {State.DRAINING, State.STALLED, State.GONE}


def test_only_one_hosts_workers_may_be_asked_for(workers: Workers, add: Add) -> None:
    add("here", host="a")
    add("there", host="b")

    assert [seen.id for seen in workers.all("a")] == ["here"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("1234567890abcdef", ["1234567890abcdef"]),
        ("12345678", ["1234567890abcdef"]),
        ("fedcba09", ["1234567890abcdef", "f"]),
        ("a host", ["1234567890abcdef", "f"]),
        ("1234567", []),  # too short to be the beginning of an id
        ("________", []),
        ("", []),
        ("%", []),
    ],
)
def test_a_worker_is_named_by_its_id_its_node_or_its_host(
    engine: Engine, workers: Workers, add: Add, name: str, meant: list[str]
) -> None:
    add("1234567890abcdef", node="fedcba0987654321", host="a host")
    add("f", node="fedcba0987654321", host="a host")
    add("other", node="another", host="elsewhere")

    count = workers.drain(name)

    with Session(engine) as session:
        drained = [worker.id for worker in session.query(Worker).filter_by(drain_requested=True).order_by(Worker.id)]
    assert (count, drained) == (len(meant), meant)


def test_one_that_was_drained_takes_tasks_again(engine: Engine, workers: Workers, add: Add) -> None:
    add("w")
    with db.write(engine) as connection:
        connection.execute(update(Worker).values(drain_requested=True))

    workers.drain("w", wanted=False)

    with Session(engine) as session:
        assert not session.query(Worker).one().drain_requested
