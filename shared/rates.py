"""How long tasks take: learnt from measured runs, predicted from them, and how wrong the predictions were.

Work is counted in units: denoising steps times megapixels times frames times pictures. Seconds are of the device: tasks
that share a pipeline call share its seconds by their units.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import Connection, Row, select, update

from shared.db import insert_unless_there
from shared.generation import Kind, Parameters
from shared.lifecycle import Status
from shared.messages import QUEUES
from shared.models import Rate, Task
from shared.shares import correct

UNMEASURED_SECONDS = 0.1  # a unit of a large model on a card of these years; until a run of any model was measured
LEAST_SECONDS = 0.001  # that any task takes, beside its work
FORGETTING = 0.1  # the weight of the newest run
STEP = 0.1  # by which a quantile moves, in logarithms

COLUMNS: tuple[Any, ...] = (
    *(Rate.model, Rate.kind, Rate.runs, Rate.seconds_per_unit, Rate.p50, Rate.p90),
    *(Rate.etas, Rate.eta_p50, Rate.eta_p90, Rate.eta_error, Rate.eta_covered),
)
RATES = select(*COLUMNS)


def units(kind: Kind, parameters: Parameters) -> float:
    """How much work a task is. A provider's task has no steps, and counts as one."""
    frames = (parameters.num_frames or 1) if kind.makes_video else 1
    pixels = parameters.width * parameters.height / 1e6
    return max(1, parameters.denoising_steps) * pixels * frames * parameters.num_images


@dataclass(frozen=True)
class EtaError:
    """How good the times were that tasks were told when they were submitted.

    `error` is the mean absolute error relative to how long it took; `covered` the part that ended before the p90.
    """

    error: float
    covered: float


@dataclass(frozen=True)
class Rates:
    """What was measured so far, by model and kind."""

    measured: Mapping[tuple[str, str], Row[Any]]

    @classmethod
    def of(cls, rows: Iterable[Row[Any]]) -> Self:
        """From the rows of RATES."""
        return cls({(row.model, row.kind): row for row in rows})

    def find(self, model: str, kind: str) -> Row[Any] | None:
        """What was measured of this model and kind."""
        return self.measured.get((model, kind))

    def seconds(self, model: str, kind: str, units: float) -> float:
        """Of the device, that so many units will take; what was not measured is taken for the mean of what was."""
        return max(LEAST_SECONDS, units * self._seconds_per_unit(model, kind))

    def eta_error(self, model: str, kind: str) -> EtaError | None:
        """None until a task of this model and kind has ended that was told a time."""
        row = self.find(model, kind)
        return EtaError(row.eta_error, row.eta_covered) if row and row.etas else None

    def _seconds_per_unit(self, model: str, kind: str) -> float:
        known = self.find(model, kind)
        if known:
            return float(known.seconds_per_unit)
        others = [float(row.seconds_per_unit) for row in self.measured.values()]
        return sum(others) / len(others) if others else UNMEASURED_SECONDS


def record(connection: Connection, ids: Collection[int], seconds: float, *, whole: bool) -> None:
    """A pipeline call of these tasks took so long; their users pay what it was, not what it was thought to be.

    Of a call that was not made to its end nothing is learnt, nor of one that a provider made.
    """
    place = (Task.user_id, Task.queue, Task.priority, Task.virtual_start, Task.cost, Task.units, Task.model, Task.kind)
    times = (Task.status, Task.created_at, Task.finished_at, Task.expected_seconds)
    found = select(*place, *times).where(Task.id.in_(ids), Task.units > 0)  # without units: from before they counted
    tasks: Sequence[Any] = connection.execute(found.order_by(Task.user_id, Task.id)).all()
    total = sum(task.units for task in tasks)
    if tasks and whole and tasks[0].queue in QUEUES:
        _learn(connection, tasks, seconds)
    for task in tasks:
        correct(connection, task, seconds * task.units / total - task.cost)


def _learn(connection: Connection, tasks: Sequence[Any], seconds: float) -> None:
    same = (Rate.model == tasks[0].model, Rate.kind == tasks[0].kind)
    row = connection.execute(RATES.where(*same).with_for_update()).one_or_none()
    measured = seconds / sum(task.units for task in tasks)
    rate = dict(row._mapping) if row else _fresh(tasks[0], measured)
    for task in tasks:
        _learn_run(rate, seconds / (task.units * rate["seconds_per_unit"]))
        rate["seconds_per_unit"] += _weight(rate["runs"]) * (measured - rate["seconds_per_unit"])
        if task.status == Status.COMPLETED and task.expected_seconds:
            _learn_eta(rate, (task.finished_at - task.created_at).total_seconds() / task.expected_seconds)
    learnt = update(Rate).where(*same) if row else insert_unless_there(Rate)
    connection.execute(learnt.values(rate))


def _fresh(task: Any, measured: float) -> dict[str, Any]:
    counts = {"model": task.model, "kind": task.kind, "runs": 0, "etas": 0, "seconds_per_unit": measured}
    return {**counts, "p50": 1.0, "p90": 1.0, "eta_p50": 1.0, "eta_p90": 1.0, "eta_error": 0.0, "eta_covered": 0.0}


def _learn_run(rate: dict[str, Any], ratio: float) -> None:
    """`ratio` is of how long the call took to what the task alone was predicted to take."""
    rate["runs"] += 1
    _learn_quantiles(rate, "", ratio, rate["runs"])


def _learn_eta(rate: dict[str, Any], ratio: float) -> None:
    """`ratio` is of how long the task took, from submit to end, to what it was thought to take."""
    rate["etas"] += 1
    weight = _weight(rate["etas"])
    rate["eta_error"] += weight * (abs(1 - rate["eta_p50"] / ratio) - rate["eta_error"])
    rate["eta_covered"] += weight * ((ratio <= rate["eta_p90"]) - rate["eta_covered"])
    _learn_quantiles(rate, "eta_", ratio, rate["etas"])


def _learn_quantiles(rate: dict[str, Any], prefix: str, ratio: float, count: int) -> None:
    """Robbins and Monro's: up by p of a step when the ratio lies above, down by 1 - p when below."""
    step = max(STEP, 1 / count)
    for name, part in ((f"{prefix}p50", 0.5), (f"{prefix}p90", 0.9)):
        if count == 1:
            rate[name] = ratio
        else:
            rate[name] *= math.exp(step * (part - (ratio <= rate[name])))


def _weight(count: int) -> float:
    """The plain mean at first, then one that forgets."""
    return max(FORGETTING, 1 / count)
