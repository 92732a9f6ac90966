"""A queue worked off on paper: by the rules that claims go by, on a clock that nobody waits for.

Left out is what the rows do not say: loading models, and the batches that a worker has measured for itself.
"""

import heapq
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from statistics import NormalDist
from typing import Any

from backend.services.forecasts import Call
from shared.generation import Shape
from shared.rates import Rates
from shared.turns import LOOK_AHEAD, RULES, Turns, within_caps

GOLDEN = (math.sqrt(5) - 1) / 2
Z90 = NormalDist().inv_cdf(0.9)


class Simulation:
    """`limit` is the largest batch of a shape. Each call takes another part of how long such calls have taken.

    The parts are those of a low-discrepancy sequence, so that the same queue always gives the same answer.
    """

    def __init__(self, rates: Rates, limit: Callable[[Shape], int]) -> None:
        self._rates = rates
        self._limit = limit
        self._turns = Turns(RULES)
        self._parts = _parts()

    def waits(self, rows: Sequence[Any], calls: Sequence[Call], workers: int) -> list[float]:
        """How many seconds each task waits for so many workers, which have `calls` to finish first.

        `rows` wait, the fairest first, each with its user's `cap`. Workers beyond the number finish and go.
        """
        left, waits, now, idle = list(rows), [], 0.0, workers - len(calls)
        taken = Counter(user for call in calls for user in call.users)
        busy = [(call.left, number, call.users) for number, call in enumerate(calls)]
        heapq.heapify(busy)
        while left:
            while idle > 0 and (chosen := self._take(left, taken)):
                idle -= 1
                waits += [now] * len(chosen)
                heapq.heappush(busy, (now + self._seconds(chosen), len(calls) + len(waits), _users(chosen)))
            if not busy:
                break
            now, _, users = heapq.heappop(busy)
            taken.subtract(users)
            idle += 1
        return waits

    def _take(self, left: list[Any], taken: Counter[int]) -> Sequence[Any]:
        """The next turn; what it takes is not left any more."""
        seen = _first(row for row in left if not row.cap or taken[row.user_id] < row.cap)
        if not seen:
            return ()
        together, size = self._turns.together(seen, self._limit, ())
        chosen = within_caps(together, Counter(taken))[:size]
        taken.update(_users(chosen))
        gone = {row.id for row in chosen}
        left[:] = [row for row in left if row.id not in gone]
        return chosen

    def _seconds(self, chosen: Sequence[Any]) -> float:
        predicted = sum(self._rates.seconds(row.model, row.kind, row.units) for row in chosen)
        rate = self._rates.find(chosen[0].model, chosen[0].kind)
        if rate is None:
            return predicted
        spread = max(0.0, math.log(rate.p90 / rate.p50))
        return predicted * float(rate.p50) * math.exp(spread * next(self._parts) / Z90)


def _first(rows: Iterator[Any]) -> list[Any]:
    return [row for _, row in zip(range(LOOK_AHEAD), rows, strict=False)]


def _users(rows: Sequence[Any]) -> tuple[int, ...]:
    return tuple(row.user_id for row in rows)


def _parts() -> Iterator[float]:
    """Standard normal values, spread evenly however few are taken."""
    normal, part = NormalDist(), 0.5
    while True:
        yield normal.inv_cdf(min(max(part, 0.01), 0.99))
        part = (part + GOLDEN) % 1
