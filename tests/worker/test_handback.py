"""What a process that is to end still holds: into the queue with it, in time."""

import hashlib
import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from shared.claims import Claim, Claims
from shared.lifecycle import Status
from shared.workers import State, Told
from tests.orders import add_task, add_user, row
from tests.worker.test_heartbeat import workers
from worker import handback
from worker.handback import LastCall, give_back, leave
from worker.leases import Leases
from worker.registry import Registry

sqlite = pytest.mark.parametrize("stack", ["sqlite"], indirect=True)


class Away(Claims):
    """The database is away for so many calls."""

    calls = 2

    def give_back(self, held: object) -> int:
        self.calls -= 1
        if self.calls >= 0:
            raise OperationalError("UPDATE", {}, Exception("gone away"))
        return super().give_back(held)  # type: ignore[arg-type]


@pytest.fixture
def away(engine: Engine) -> Away:
    return Away(engine, "worker", lease_seconds=15, max_attempts=3)


@pytest.fixture
def leases(away: Away) -> Leases:
    return Leases(away, lease_seconds=15)


@pytest.fixture
def claimed(engine: Engine, away: Away, leases: Leases) -> list[Claim]:
    user = add_user(engine)
    for _ in range(2):
        add_task(engine, user)
    taken = away.claim("gpu", lambda shape: 2)
    leases.hold(taken, time.monotonic())
    return taken


def states(engine: Engine, claimed: list[Claim]) -> list[tuple[str, int]]:
    return [(found.status, found.attempt) for found in (row(engine, claim.public_id) for claim in claimed)]


@sqlite
def test_a_database_that_is_away_for_a_moment_is_asked_again(
    engine: Engine, leases: Leases, claimed: list[Claim], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handback, "RETRY_SECONDS", 0.01)

    give_back(leases, claimed[:1])

    assert states(engine, claimed) == [(Status.QUEUED, 0), (Status.PROCESSING, 1)]
    assert [leases.holds(claim) for claim in claimed] == [False, True]


@sqlite
def test_what_cannot_be_given_back_stays_held(
    leases: Leases, claimed: list[Claim], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handback, "PATIENCE_SECONDS", -1)

    give_back(leases, claimed)

    assert all(leases.holds(claim) for claim in claimed)


@sqlite
def test_who_leaves_gives_everything_back_first(
    engine: Engine, away: Away, leases: Leases, claimed: list[Claim]
) -> None:
    away.calls = 0
    registry = Registry(engine, "worker", "node")
    registry.beat(Told(State.IDLE))

    leave(leases, registry)

    assert states(engine, claimed) == [(Status.QUEUED, 0)] * 2
    assert workers(engine) == {}


@sqlite
def test_who_still_holds_something_stays_in_the_registry_for_the_parent_to_find(
    engine: Engine, away: Away, leases: Leases, claimed: list[Claim], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handback, "PATIENCE_SECONDS", -1)
    away.calls = 1_000_000
    registry = Registry(engine, "worker", "node")
    registry.beat(Told(State.IDLE))

    leave(leases, registry)

    assert workers(engine) == {"worker": State.BUSY}


@pytest.fixture
def order() -> Iterator[list[str]]:
    """Who came to it, one after the other; Python's own handler is one of them."""
    order: list[str] = []
    before = signal.signal(signal.SIGUSR2, lambda *_: order.append("main thread"))
    yield order
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGUSR2, before)


def test_a_main_thread_that_never_comes_to_it_does_not_hold_up_the_end(order: list[str]) -> None:
    call = LastCall(
        signal.SIGUSR2,
        stop=lambda: order.append("stop"),
        leave=lambda: order.append("leave"),
        grace=0.0,
        end=lambda status: order.append(f"end {status}"),
    )
    call.listen()

    threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGUSR2)).start()
    hashlib.pbkdf2_hmac("sha256", b"", b"", 800_000)  # nothing of Python's runs in this thread until it is over
    call.join(5)

    assert order == ["stop", "leave", "end 0", "main thread"]
