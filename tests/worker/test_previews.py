"""When a running task shows what it will make, and that nobody waits for it."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared.claims import Claim
from tests.fakes.board import FakeBoard
from tests.fakes.clock import FakeClock
from tests.orders import claim_of
from worker.previews import Previews


@dataclass
class Thread(Executor):
    """Does at once what it is given, or leaves it lying while it is `busy`."""

    busy: bool = False
    left: list[Future[Any]] = field(default_factory=list)

    def submit(self, act: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        if self.busy:
            self.left.append(done)
        else:
            done.set_result(act(*args, **kwargs))
        return done


@dataclass(frozen=True)
class FakeSketch:
    """Without a picture it cannot be encoded."""

    claim: Claim
    picture: bytes = b"picture"

    def encode(self) -> bytes:
        if not self.picture:
            raise OSError("no picture")
        return self.picture


@pytest.fixture
def board() -> FakeBoard:
    return FakeBoard()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(100.0)


@pytest.fixture
def thread() -> Thread:
    return Thread()


@pytest.fixture
def previews(board: FakeBoard, clock: FakeClock, thread: Thread) -> Previews:
    return Previews(board, clock, thread)  # type: ignore[arg-type]


def one() -> list[FakeSketch]:
    return [FakeSketch(claim_of())]


@pytest.mark.parametrize(("seconds", "step", "shown"), [(5, 1, 0), (5, 2, 0), (5, 3, 1), (0.9, 20, 0), (1, 3, 1)])
def test_the_first_picture_comes_after_two_steps_and_a_second(
    previews: Previews, board: FakeBoard, clock: FakeClock, seconds: float, step: int, shown: int
) -> None:
    clock.now += seconds

    previews.offer(step, one)

    assert len(board.shown) == shown


def test_there_is_one_picture_a_second_at_most(previews: Previews, board: FakeBoard, clock: FakeClock) -> None:
    for step in range(40):
        previews.offer(step, one)
        clock.now += 0.1

    assert len(board.shown) == 3


def test_each_call_begins_anew(previews: Previews, board: FakeBoard, clock: FakeClock) -> None:
    clock.now += 0.9
    previews.begin()
    clock.now += 0.9

    previews.offer(20, one)

    assert board.shown == []


def test_a_picture_is_its_tasks_own_and_each_has_another_number(
    previews: Previews, board: FakeBoard, clock: FakeClock
) -> None:
    for picture in (b"one", b"two"):
        clock.now += 1
        previews.offer(3, lambda picture=picture: [FakeSketch(claim_of(), picture)])

    assert [(task, fence, picture) for task, fence, _, picture in board.shown] == [
        ("task_1", 1, b"one"),
        ("task_1", 1, b"two"),
    ]
    assert len({number for _, _, number, _ in board.shown}) == 2


def test_while_the_last_one_is_at_work_there_is_no_other(previews: Previews, clock: FakeClock, thread: Thread) -> None:
    thread.busy = True
    for step in (3, 4, 5):
        clock.now += 1
        previews.offer(step, one)
    waiting = len(thread.left)
    thread.left[0].set_result(None)

    previews.offer(6, one)

    assert (waiting, len(thread.left)) == (1, 2)


def test_sketches_are_made_only_when_it_is_time_for_them(previews: Previews) -> None:
    def untimely() -> list[FakeSketch]:
        pytest.fail("nobody looks at them")

    previews.offer(3, untimely)


def test_latents_that_cannot_be_drawn_do_not_end_the_call(
    previews: Previews, board: FakeBoard, clock: FakeClock
) -> None:
    def broken() -> list[FakeSketch]:
        raise RuntimeError("another layout")

    clock.now += 1

    previews.offer(3, broken)

    assert board.shown == []


def test_a_picture_that_cannot_be_encoded_leaves_those_of_others_alone(
    previews: Previews, board: FakeBoard, clock: FakeClock
) -> None:
    clock.now += 1

    previews.offer(3, lambda: [FakeSketch(claim_of(), b""), *one()])

    assert len(board.shown) == 1
