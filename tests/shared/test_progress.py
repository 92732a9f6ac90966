"""Progress is real or absent."""

import time

import pytest

from shared.progress import Progress, ProgressBoard, redis_client
from tests.conftest import Stack


@pytest.fixture
def board(stack: Stack) -> ProgressBoard:
    return ProgressBoard(redis_client(stack.broker_url))


def test_what_is_written_is_read(board: ProgressBoard) -> None:
    board.write("task_a", Progress(fence=2, step=3, steps=20))

    assert board.read("task_a", fence=2) == Progress(fence=2, step=3, steps=20)


def test_another_claims_progress_is_not_shown(board: ProgressBoard) -> None:
    board.write("task_a", Progress(fence=1, step=19, steps=20))

    assert board.read("task_a", fence=2) is None


def test_a_task_nobody_wrote_of_has_none(board: ProgressBoard) -> None:
    assert board.read("task_unknown", fence=1) is None


def test_without_redis_there_is_none_and_steps_are_not_slowed() -> None:
    board = ProgressBoard(redis_client("redis://127.0.0.1:1/0"))
    started = time.monotonic()

    for step in range(100):
        board.write("task_a", Progress(1, step, 100))

    assert board.read("task_a", 1) is None
    assert time.monotonic() - started < 2
