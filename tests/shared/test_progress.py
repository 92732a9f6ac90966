"""Progress is real or absent."""

import time

import pytest

from shared.progress import PREVIEW_BYTES, PREVIEW_SECONDS, Progress, ProgressBoard, redis_client
from tests.conftest import Stack


@pytest.fixture
def board(stack: Stack) -> ProgressBoard:
    return ProgressBoard(redis_client(stack.broker_url))


def test_what_is_written_is_read(board: ProgressBoard) -> None:
    board.write("task_a", Progress(fence=2, step=3, steps=20))

    assert board.read_all({"task_a": 2}) == {"task_a": Progress(fence=2, step=3, steps=20)}


def test_another_claims_progress_is_not_shown(board: ProgressBoard) -> None:
    board.write("task_a", Progress(fence=1, step=19, steps=20))

    assert board.read_all({"task_a": 2}) == {}


def test_a_task_nobody_wrote_of_has_none(board: ProgressBoard) -> None:
    assert board.read_all({"task_unknown": 1}) == {}


def test_without_redis_there_is_none_and_steps_are_not_slowed() -> None:
    board = ProgressBoard(redis_client("redis://127.0.0.1:1/0"))
    started = time.monotonic()

    for step in range(100):
        board.write("task_a", Progress(1, step, 100))

    assert board.read_all({"task_a": 1}) == {}
    assert time.monotonic() - started < 2


def test_a_preview_is_kept_to_the_byte_and_is_part_of_the_progress(board: ProgressBoard) -> None:
    picture = bytes(range(256))
    board.write("task_b", Progress(fence=2, step=3, steps=20))

    board.show("task_b", 2, 7, picture)

    assert board.preview("task_b", 2) == picture
    assert board.read_all({"task_b": 2})["task_b"] == Progress(2, 3, 20, preview="2.7")


def test_the_next_step_leaves_the_preview_as_it_is(board: ProgressBoard) -> None:
    board.write("task_c", Progress(fence=2, step=3, steps=20))
    board.show("task_c", 2, 7, b"picture")

    board.write("task_c", Progress(fence=2, step=4, steps=20))

    assert board.read_all({"task_c": 2})["task_c"] == Progress(2, 4, 20, preview="2.7")


def test_another_claims_preview_is_not_shown(board: ProgressBoard) -> None:
    board.write("task_d", Progress(fence=1, step=3, steps=20))
    board.show("task_d", 1, 7, b"picture")

    board.write("task_d", Progress(fence=12, step=1, steps=20))

    assert board.read_all({"task_d": 12})["task_d"].preview == ""
    assert board.preview("task_d", 12) is None


def test_a_picture_that_is_no_small_one_is_not_kept(board: ProgressBoard) -> None:
    board.show("task_e", 1, 1, b"x" * (PREVIEW_BYTES + 1))

    assert board.preview("task_e", 1) is None


def test_previews_go_by_themselves(board: ProgressBoard, stack: Stack) -> None:
    board.show("task_f", 1, 1, b"picture")

    assert 0 < redis_client(stack.broker_url).ttl("darkroom:preview:task_f:1") <= PREVIEW_SECONDS


def test_without_redis_there_are_no_previews_and_nobody_waits_for_them() -> None:
    board = ProgressBoard(redis_client("redis://127.0.0.1:1/0"))
    started = time.monotonic()

    for number in range(100):
        board.show("task_a", 1, number, b"picture")

    assert board.preview("task_a", 1) is None
    assert time.monotonic() - started < 2
