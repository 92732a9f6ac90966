"""How long the queue would take with another number of workers: a simulation on what was measured."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from backend.reads import Reads
from backend.services.administration.simulation import Simulation
from backend.services.forecasts import calls
from shared.catalog import Catalog
from shared.generation import Shape
from shared.messages import GPU
from shared.models import Task, User
from shared.queue_order import waiting
from shared.rates import RATES, Rates
from shared.turns import LOOKED_AT

MOST = 2000  # tasks that are simulated; those behind them are taken to be like them
RUNS = 5


@dataclass(frozen=True)
class Scale:
    """With so many `workers` half of what waits now begins within `p50_seconds`, nine of ten within `p90_seconds`.

    None where nothing waits, or no run of any model was measured; `unmeasured` are of models of which none was.
    """

    workers: int
    waiting: int
    unmeasured: int
    p50_seconds: float | None
    p90_seconds: float | None


class Scales:
    """Predictions for the queue of the devices."""

    def __init__(self, reads: Reads, catalog: Catalog, running_cap: int) -> None:
        self._reads = reads
        self._catalog = catalog
        self._running_cap = running_cap

    def predict(self, workers: int) -> Scale:
        """For the queue as it is now, while nothing more joins it."""
        rates = Rates.of(self._reads.all(RATES))
        rows = self._rows()
        whole = len(rows) if len(rows) < MOST else self._reads.scalar(waiting(func.count(), queue=GPU).order_by(None))
        unmeasured = sum(rates.find(row.model, row.kind) is None for row in rows)
        if not rows or not rates.measured:
            return Scale(workers, whole, unmeasured, None, None)
        simulation, under_way = Simulation(rates, self._limit), calls(self._reads, GPU, rates)
        waits = sorted(wait for _ in range(RUNS) for wait in simulation.waits(rows, under_way, workers))
        part = len(rows) / whole
        return Scale(workers, whole, unmeasured, _quantile(waits, 0.5 / part), _quantile(waits, 0.9 / part))

    def _rows(self) -> Sequence[Any]:
        cap = select(func.coalesce(User.running_cap, self._running_cap)).where(User.id == Task.user_id)
        columns = (*LOOKED_AT, Task.kind, Task.units, cap.scalar_subquery().label("cap"))
        return self._reads.all(waiting(*columns, queue=GPU).limit(MOST))

    def _limit(self, shape: Shape) -> int:
        model = self._catalog.models.get(shape.model)
        return model.usual_batch(shape.width, shape.height) if model else 1


def _quantile(waits: Sequence[float], part: float) -> float:
    """A part above 1 lies as far behind the last one as the queue is longer than what was simulated."""
    rank = min(len(waits), max(1, math.ceil(part * len(waits))))
    return round(waits[rank - 1] * max(1.0, part), 1)
