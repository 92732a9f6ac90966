"""Tasks in a queue as their users' shares place them, and workers that take them on a clock of their own."""

import heapq
import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, insert, select

from shared import clock, db, rates
from shared.claims import Claim, Claims
from shared.generation import Kind
from shared.lifecycle import Status
from shared.models import Rate, Task, User
from shared.queue_order import Priority
from shared.shares import charge
from tests.orders import PARAMETERS

SEARCHED = ("model", "sampling_method", "steps", "seed", "width", "height")
_numbers = itertools.count()


def queue_up(
    engine: Engine,
    user_id: int,
    *jobs: Mapping[str, Any],
    priority: int = Priority.NORMAL,
    age: float = 0,
    prompt: str = "a red circle",
) -> list[str]:
    """Tasks of these parameters, charged as a submit does, `age` seconds ago; returns their public ids."""
    since = clock.now() - timedelta(seconds=age)
    with db.write(engine) as connection:
        known = rates.Rates.of(connection.execute(rates.RATES))
        common = {"priority": int(priority), "waiting_since": since, "prompt": prompt}
        rows = [{**_row(user_id, job, known), **common} for job in jobs]
        connection.execute(select(User.id).where(User.id == user_id).with_for_update())
        for row in rows:
            row["virtual_start"] = charge(connection, user_id, "gpu", priority, row["cost"])
            connection.execute(insert(Task), [row])
    return [row["public_id"] for row in rows]


def add_rate(engine: Engine, model: str, seconds_per_unit: float, runs: int = 10, **others: float) -> None:
    """What was measured of a model; its runs and times were as predicted unless said otherwise."""
    right = {"p50": 1.0, "p90": 1.0, "eta_p50": 1.0, "eta_p90": 1.0, "eta_error": 0.0, "eta_covered": 0.0}
    measured = {"model": model, "kind": Kind.TEXT_TO_IMAGE, "runs": runs, "seconds_per_unit": seconds_per_unit}
    with db.write(engine) as connection:
        connection.execute(insert(Rate).values(**{**measured, "etas": 0, **right, **others}))


def _row(user_id: int, job: Mapping[str, Any], known: rates.Rates) -> dict[str, Any]:
    parameters = replace(PARAMETERS, **job)
    units = rates.units(Kind.TEXT_TO_IMAGE, parameters)
    return {
        "public_id": f"task_q{next(_numbers):019x}",
        "user_id": user_id,
        "kind": Kind.TEXT_TO_IMAGE,
        "status": Status.QUEUED,
        "queue": "gpu",
        "parameters": parameters.as_dict(),
        "images": None,
        "batch_key": parameters.batch_key(Kind.TEXT_TO_IMAGE),
        "units": units,
        "cost": known.seconds(parameters.model, Kind.TEXT_TO_IMAGE, units),
        "created_at": clock.now(),
        **{name: getattr(parameters, name) for name in SEARCHED},
    }


@dataclass(frozen=True)
class Run:
    """What one task had of a device, from when to when."""

    user_id: int
    worker: int
    public_id: str
    start: float
    end: float
    seconds: float


@dataclass
class Simulation:
    """Workers that really claim, and compute on a clock of their own: a unit of a model takes its `speed` in seconds.

    A call takes as long as its tasks would one after the other.
    """

    engine: Engine
    workers: int
    speed: Mapping[str, float]
    batch: int = 4
    now: float = 0.0
    runs: list[Run] = field(default_factory=list)
    empty_at: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._claims = [Claims(self.engine, f"worker{number}", 3600, 3) for number in range(self.workers)]
        self._busy: list[tuple[float, int, list[Claim], float]] = []
        self._idle = list(range(self.workers))

    def until(self, moment: float) -> None:
        """Let the workers work until then."""
        self._start()
        while self._busy and self._busy[0][0] <= moment:
            self.now, worker, claimed, seconds = heapq.heappop(self._busy)
            for claim in claimed:
                self._claims[worker].complete(claim, [])
            self._claims[worker].measured(claimed, seconds)
            self._idle.append(worker)
            self._start()
        self.now = moment

    def seconds(self, moment: float) -> dict[int, float]:
        """What each user had by then; of a run that goes on, its part so far."""
        had: dict[int, float] = defaultdict(float)
        for run in self.runs:
            had[run.user_id] += run.seconds * max(0.0, min(1.0, (moment - run.start) / (run.end - run.start)))
        return had

    def started(self, public_id: str) -> float:
        """When a task began."""
        return next(run.start for run in self.runs if run.public_id == public_id)

    def _start(self) -> None:
        while self._idle and (claimed := self._claims[self._idle[0]].claim("gpu", lambda model: self.batch)):
            worker = self._idle.pop(0)
            alone = [
                rates.units(claim.kind, claim.parameters) * self.speed[claim.parameters.model] for claim in claimed
            ]
            end = self.now + sum(alone)
            heapq.heappush(self._busy, (end, worker, claimed, sum(alone)))
            self.runs += [
                Run(claim.user_id, worker, claim.public_id, self.now, end, seconds)
                for claim, seconds in zip(claimed, alone, strict=True)
            ]


def jain(shares: Sequence[float]) -> float:
    """Jain's index: 1 when all have the same, 1/n when one has all."""
    return sum(shares) ** 2 / (len(shares) * sum(share**2 for share in shares))
