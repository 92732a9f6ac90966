"""Who looks at a queue, and who is told what the last look saw."""

import threading
from typing import Any, cast

from backend.reads import Reads
from backend.services.forecasts import Forecasts
from backend.services.looks import KEPT_SECONDS
from tests.fakes.clock import FakeClock


class SlowReads:
    """A database in which nothing was measured, and which can keep who asks waiting."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers = threading.Event()
        self.answers.set()

    def all(self, statement: object) -> list[Any]:
        self.asked += 1
        assert self.answers.wait(5)
        return []


def test_one_looks_while_the_others_are_told_what_was_seen_last() -> None:
    reads, clock = SlowReads(), FakeClock(100.0)
    forecasts = Forecasts(cast(Reads, reads), 15, clock)
    first = forecasts.of("gpu")
    clock.now += KEPT_SECONDS + 1
    reads.answers.clear()
    looking = threading.Thread(target=forecasts.of, args=("gpu",))
    looking.start()
    while reads.asked < 2:
        looking.join(0.01)

    meanwhile = forecasts.of("gpu")
    reads.answers.set()
    looking.join()

    assert meanwhile is first
    assert reads.asked == 2
    assert forecasts.of("gpu") is not first


def test_a_look_counts_for_a_while() -> None:
    reads, clock = SlowReads(), FakeClock(100.0)
    forecasts = Forecasts(cast(Reads, reads), 15, clock)
    seen = []

    for passed in (0, KEPT_SECONDS, 1):
        clock.now += passed
        seen.append(forecasts.of("gpu"))

    assert seen[0] is seen[1] is not seen[2]
