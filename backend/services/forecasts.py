"""When tasks will end, from what was measured: a look at each queue now and then, shared by all who ask.

What was never measured, and what no worker will take, has no time: none is better than an invented one.
"""

import math
import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from backend.reads import Reads
from backend.services.generation import Eta
from backend.services.looks import Looks
from shared.clock import database_now, now
from shared.lifecycle import Status
from shared.messages import QUEUES
from shared.models import Task, Worker
from shared.progress import Progress
from shared.queue_order import waiting
from shared.rates import RATES, Rates
from shared.workers import ABLE

LOOK_AHEAD = 500  # tasks; what stands further behind is taken to be like them


@dataclass(frozen=True)
class Forecast:
    """One queue at one moment. `ahead[n]` is what the first n tasks that wait will take, in seconds of one worker.

    `starts` are their virtual starts.
    """

    rates: Rates
    workers: int
    busy: int
    left: float
    starts: Sequence[float]
    ahead: Sequence[float]

    def expected(self, model: str, kind: str, units: float, before: int) -> float | None:
        """Seconds from now to the end of a task with so many others before it."""
        rate = self.rates.find(model, kind)
        if rate is None or not self.workers:
            return None
        alone = self.rates.seconds(model, kind, units)
        if before < self.workers - self.busy:
            return alone * float(rate.p50)
        known = len(self.starts)
        beyond = max(0, before - known) * (self.ahead[-1] / known if known else alone)
        return (self.left + self.ahead[min(before, known)] + beyond) / self.workers + alone * float(rate.p50)

    def expected_at(self, model: str, kind: str, units: float, start: float) -> float | None:
        """The same for a task that is about to join the queue, by its virtual start."""
        return self.expected(model, kind, units, bisect_right(self.starts, start))

    def waiting(self, task: Any) -> Eta | None:
        """Of a row with a queue_position: corrected by how wrong such times were before."""
        expected = self.expected(task.model, task.kind, task.units, task.queue_position - 1)
        rate = self.rates.find(task.model, task.kind)
        return _eta(expected * rate.eta_p50, expected * rate.eta_p90) if expected and rate else None

    def running(self, task: Any, progress: Progress | None) -> Eta | None:
        """By how long such runs took; of what was never measured by the pace of its own steps, from the second on."""
        if progress and progress.phase:
            return None
        left = 1 - progress.step / progress.steps if progress else 1.0
        if rate := self.rates.find(task.model, task.kind):
            alone = left * self.rates.seconds(task.model, task.kind, task.units)
            return _eta(alone * rate.p50, alone * rate.p90)
        if progress is None or progress.step < 2:
            return None
        return _eta((now() - task.started_at).total_seconds() * left / (1 - left), None)


@dataclass(frozen=True)
class Call:
    """What one worker runs: how many seconds it has still to do, and whose tasks they are."""

    left: float
    users: tuple[int, ...]


class Forecasts:
    """The newest look at each queue; lives as long as the process."""

    def __init__(self, reads: Reads, lease_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._reads = reads
        self._lease_seconds = lease_seconds
        self._looks = Looks(self._look, clock)

    def of(self, queue: str) -> Forecast:
        """As it was within the last two seconds."""
        return self._looks.of(queue)

    def _look(self, queue: str) -> Forecast:
        rates = Rates.of(self._reads.all(RATES))
        if queue not in QUEUES or not rates.measured:
            return Forecast(rates, 0, 0, 0, (), (0.0,))
        alive = (Worker.beat_at > database_now(-self._lease_seconds), Worker.state.in_(ABLE))
        left = [call.left for call in calls(self._reads, queue, rates)]
        columns = (Task.virtual_start, Task.model, Task.kind, Task.units)
        rows = self._reads.all(waiting(*columns, queue=queue).limit(LOOK_AHEAD))
        ahead = [0.0]
        for row in rows:
            ahead.append(ahead[-1] + rates.seconds(row.model, row.kind, row.units))
        return Forecast(
            rates=rates,
            workers=self._reads.scalar(select(func.count()).select_from(Worker).where(*alive)),
            busy=len(left),
            left=sum(left),
            starts=[row.virtual_start for row in rows],
            ahead=ahead,
        )


def calls(reads: Reads, queue: str, rates: Rates) -> list[Call]:
    """What runs in this queue."""
    columns: tuple[Any, ...] = (Task.worker_id, Task.started_at, Task.user_id, Task.model, Task.kind, Task.units)
    running = select(*columns).where(Task.status == Status.PROCESSING, Task.queue == queue)
    together: dict[tuple[str, datetime], list[Any]] = defaultdict(list)
    for row in reads.all(running):
        together[row.worker_id, row.started_at].append(row)
    moment = now()
    return [_call(rows, (moment - began).total_seconds(), rates) for (_, began), rows in together.items()]


def _call(rows: Sequence[Any], passed: float, rates: Rates) -> Call:
    whole = sum(rates.seconds(row.model, row.kind, row.units) for row in rows)
    return Call(max(0.0, whole - passed), tuple(row.user_id for row in rows))


def _eta(p50: float, p90: float | None) -> Eta:
    half = max(1, round(p50))
    return Eta(half, None if p90 is None else max(half, math.ceil(p90)))
