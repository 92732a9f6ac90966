"""What the load's own client reads."""

import pytest

from tests.benchmarks.clients import shortest_pause
from tests.benchmarks.wire import Answer, parsed, request

WHOLE = b'HTTP/1.1 200 OK\r\nETag: W/"a:b"\r\nContent-Length: 4\r\n\r\nbody'
UNCHANGED = b'HTTP/1.1 304 NOT MODIFIED\r\nETag: W/"a"\r\n\r\n'


def test_a_whole_answer_is_read() -> None:
    assert parsed(WHOLE) == Answer(200, {"etag": 'W/"a:b"', "content-length": "4"}, b"body", len(WHOLE))


@pytest.mark.parametrize("length", range(len(WHOLE)))
def test_a_part_of_an_answer_is_none_yet(length: int) -> None:
    assert parsed(WHOLE[:length]) is None


def test_an_answer_that_says_nothing_new_has_no_body() -> None:
    assert parsed(UNCHANGED) == Answer(304, {"etag": 'W/"a"'}, b"", len(UNCHANGED))


def test_a_request_says_how_long_its_body_is() -> None:
    assert request("POST", "/x", {"A": "b"}, b"12") == (
        b"POST /x HTTP/1.1\r\nHost: 127.0.0.1\r\nA: b\r\nContent-Length: 2\r\n\r\n12"
    )


@pytest.mark.parametrize(
    ("told", "pause"),
    [([5000, None, 500], 0.5), ([None, 5000], 5.0), ([None, None], None), ([], None)],
)
def test_a_page_asks_again_when_the_first_of_its_tasks_is_due(told: list[int | None], pause: float | None) -> None:
    assert shortest_pause([{"next_poll_ms": each} for each in told]) == pause
