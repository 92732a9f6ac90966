"""Strikes the site with one fault after the other, as its seed says, and mends what has to be mended."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from random import Random

from tests.chaos.faults import FAULTS, Mending, Missed, Target

TICK = 0.1


class Storm(threading.Thread):
    """`strikes` faults, `gap` seconds apart on average; two of them may overlap."""

    def __init__(self, target: Target, names: Sequence[str], strikes: int, gap: float, random: Random) -> None:
        super().__init__(name="storm", daemon=True)
        self.struck: Counter[str] = Counter()
        self.diary: list[tuple[float, str]] = []
        self._target = target
        self._strikes = strikes
        self._gap = gap
        self._random = random
        self._order = _shuffled(names, strikes, random)
        self._pending: list[tuple[float, Mending]] = []
        self._begun = time.monotonic()

    def run(self) -> None:
        for name in self._order:
            self._wait(self._random.uniform(0.5, 1.5) * self._gap)
            self._strike(name)
        while self._pending:
            self._wait(TICK)

    def mend_all(self) -> None:
        """Whatever happened: nothing stays frozen, full or away."""
        for _, mending in self._pending:
            mending.mend()
        self._pending.clear()

    def _strike(self, name: str) -> None:
        try:
            mending = FAULTS[name](self._target)
        except (Missed, OSError, LookupError):  # what it would have hurt is down just now
            return
        except Exception as error:  # a client library's own word for the same
            self.diary.append((time.monotonic() - self._begun, f"{name} missed: {type(error).__name__}"))
            return
        self.struck[name] += 1
        self.diary.append((time.monotonic() - self._begun, name))
        if mending:
            self._pending.append((time.monotonic() + mending.seconds, mending))

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            due = [entry for entry in self._pending if entry[0] <= time.monotonic()]
            for entry in due:
                self._pending.remove(entry)
                entry[1].mend()
            time.sleep(TICK)


def _shuffled(names: Sequence[str], count: int, random: Random) -> list[str]:
    """Each name as often as the others, in any order."""
    order: list[str] = []
    while len(order) < count:
        order += random.sample(list(names), len(names))
    return order[:count]
