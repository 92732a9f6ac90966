"""When a process has grown too large."""

import pytest

from tests.orders import claim_of
from worker.duty import Duty
from worker.leases import Leases
from worker.memory import MEGABYTE, Memory, resident


@pytest.fixture
def idle(leases: Leases) -> Leases:
    """Of a process that has done a task and holds none."""
    leases.count(claim_of(), "completed")
    return leases


def outgrown(leases: Leases, duty: Duty | None = None, limit: int = 100, megabytes: int = 101) -> bool:
    return Memory(limit, leases, duty or Duty(), lambda: megabytes * MEGABYTE).is_outgrown()


@pytest.mark.parametrize(
    ("limit", "megabytes", "expected"),
    [(100, 101, True), (100, 100, False), (0, 10_000_000, False)],
)
def test_an_idle_process_is_measured_by_its_limit(idle: Leases, limit: int, megabytes: int, expected: bool) -> None:
    assert outgrown(idle, limit=limit, megabytes=megabytes) == expected


def test_one_that_has_done_nothing_yet_would_only_grow_to_the_same_size_again(leases: Leases) -> None:
    assert not outgrown(leases)


def test_one_that_holds_a_task_goes_on(idle: Leases) -> None:
    idle.hold([claim_of()], since=0)

    assert not outgrown(idle)


@pytest.mark.parametrize("duty", [Duty(draining=True), Duty(stopping=True)])
def test_one_that_takes_no_more_is_left_as_it_is(idle: Leases, duty: Duty) -> None:
    assert not outgrown(idle, duty)


def test_this_process_has_some_memory() -> None:
    assert MEGABYTE < resident() < 1_000_000 * MEGABYTE
