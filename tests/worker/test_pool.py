"""What a child of the pool does while no hint comes."""

import pytest
from billiard.queues import _SimpleQueue as Pipe

from worker import pool
from worker.pool import Child


class Device:
    """Counts the looks; `to_do` is how many it takes until nothing is left."""

    def __init__(self) -> None:
        self.looks = 0
        self.to_do = 0

    @property
    def left(self) -> bool:
        return self.looks < self.to_do

    def look(self) -> None:
        self.looks += 1


@pytest.fixture
def pipe() -> Pipe:
    return Pipe()


@pytest.fixture
def child(pipe: Pipe) -> Child:
    child = Child(pipe, Pipe())
    child._make_child_methods()
    return child


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    device = Device()
    monkeypatch.setattr("worker.process.current", lambda: device)
    monkeypatch.setattr(pool, "LOOK_SECONDS", 0.01)
    return device


def test_a_hint_is_received_at_once(child: Child, pipe: Pipe, device: Device) -> None:
    pipe.put("hint")

    assert child.wait_for_job() == "hint"
    assert device.looks == 0


def test_without_one_it_looks_and_waits_again(child: Child, pipe: Pipe, device: Device) -> None:
    waited = [child.wait_for_job(), child.wait_for_job()]
    pipe.put("hint")

    assert waited == [None, None]
    assert device.looks == 2
    assert child.wait_for_job() == "hint"


def test_while_more_is_left_it_does_not_wait(child: Child, device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = []
    device.to_do = 2
    monkeypatch.setattr(child.inq._reader, "poll", lambda seconds: waits.append(seconds))

    for _ in range(3):
        child.wait_for_job()

    assert waits == [0, 0, 0.01]


def test_a_hint_comes_before_what_is_left(child: Child, pipe: Pipe, device: Device) -> None:
    device.to_do = 2
    child.wait_for_job()
    pipe.put("hint")

    assert child.wait_for_job() == "hint"


def test_a_parent_that_is_gone_ends_it(child: Child, pipe: Pipe, device: Device) -> None:
    pipe._writer.close()

    with pytest.raises(SystemExit):
        child.wait_for_job()
