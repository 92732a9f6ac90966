"""The catalogue beside what the workers have loaded and what was measured."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.reads import Reads
from shared.catalog import Catalog
from shared.generation import Kind
from shared.rates import RATES, Rates
from shared.workers import LIVING, Workers


@dataclass(frozen=True)
class MeasuredRate:
    """How long a model takes for one kind, and how good the predictions of that are (shared/models/rate.py)."""

    kind: str
    runs: int
    seconds_per_unit: float
    p50: float
    p90: float
    eta_error: float | None
    eta_covered: float | None


@dataclass(frozen=True)
class ServedModel:
    """A model, and the ids of the living workers that have it in their memory."""

    id: str
    description: str
    source: str
    kinds: Sequence[Kind]
    max_batch: int
    loaded_by: Sequence[str]
    rates: Sequence[MeasuredRate]


class ServedModels:
    """All models of the catalogue, in its order."""

    def __init__(self, reads: Reads, catalog: Catalog, workers: Workers) -> None:
        self._reads = reads
        self._catalog = catalog
        self._workers = workers

    def all(self) -> list[ServedModel]:
        living = [worker for worker in self._workers.all() if worker.state in LIVING]
        rates = Rates.of(self._reads.all(RATES))
        return [
            ServedModel(
                id=model.id,
                description=model.description,
                source=model.source,
                kinds=[kind for kind in Kind if kind in model.kinds],
                max_batch=model.max_batch,
                loaded_by=[worker.id for worker in living if model.id in worker.models],
                rates=[rate for kind in Kind if (rate := _rate(rates, model.id, kind))],
            )
            for model in self._catalog.models.values()
        ]


def _rate(rates: Rates, model: str, kind: Kind) -> MeasuredRate | None:
    row = rates.find(model, kind)
    if row is None:
        return None
    eta = rates.eta_error(model, kind)
    told = (eta.error, eta.covered) if eta else (None, None)
    return MeasuredRate(kind, row.runs, row.seconds_per_unit, row.p50, row.p90, *told)
