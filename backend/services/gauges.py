"""Figures of the whole service from the database: what waits and runs, the workers, how long tasks take."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import case, func, select
from sqlalchemy.exc import DBAPIError, TimeoutError

from backend.reads import Reads
from shared.clock import database_now
from shared.lifecycle import Status
from shared.messages import IO
from shared.models import Task, Worker
from shared.rates import RATES, Rates
from shared.tallies import PROVIDER, Told
from shared.workers import Workers, by_state

UP = "darkroom_database_up"
TASKS = "darkroom_tasks"
OLDEST = "darkroom_queue_oldest_seconds"
WORKERS = "darkroom_workers"
MEMORY = "darkroom_worker_memory_bytes"
PACE = "darkroom_seconds_per_unit"
ETA_ERROR = "darkroom_eta_error_ratio"
ETA_COVERED = "darkroom_eta_covered_ratio"

MEANINGS = {
    UP: "Whether the database answers.",
    TASKS: "Tasks that wait (queued) or run (processing).",
    OLDEST: "For how long the oldest task of a queue has waited.",
    WORKERS: "Workers by what they are at.",
    MEMORY: "Resident memory of a worker's process.",
    PACE: "Seconds of the device for a unit of work: a step of a megapixel of a frame.",
    ETA_ERROR: "How far off the end was that tasks were told at their submit, relative to how long they took.",
    ETA_COVERED: "Which part of the tasks ended before the p90 that they were told.",
}


@dataclass(frozen=True)
class Sample:
    """One value of a gauge of MEANINGS."""

    gauge: str
    labels: dict[str, str]
    value: float


class Gauges:
    """Read anew each time they are asked for."""

    def __init__(self, reads: Reads, workers: Workers) -> None:
        self._reads = reads
        self._workers = workers

    def samples(self) -> list[Sample]:
        """All of them; while the database is away only that it is."""
        try:
            return [Sample(UP, {}, 1), *self._queues(), *self._of_workers(), *self._of_models()]
        except (DBAPIError, TimeoutError):
            return [Sample(UP, {}, 0)]

    def told(self) -> list[tuple[str, Told]]:
        """What workers have measured, with their ids; nothing while the database is away."""
        try:
            rows = self._reads.all(select(Worker.id, Worker.tallies).where(Worker.tallies.is_not(None)))
        except (DBAPIError, TimeoutError):
            return []
        return [(row.id, row.tallies) for row in rows]

    def _of_workers(self) -> Iterator[Sample]:
        workers = self._workers.all()
        for state, count in by_state(workers).items():
            yield Sample(WORKERS, {"state": state}, count)
        for worker in workers:
            yield Sample(MEMORY, {"worker": worker.id, "host": worker.host}, worker.memory)

    def _of_models(self) -> Iterator[Sample]:
        rates = Rates.of(self._reads.all(RATES))
        for (model, kind), rate in rates.measured.items():
            labels = {"model": model, "kind": kind}
            yield Sample(PACE, labels, rate.seconds_per_unit)
            if eta := rates.eta_error(model, kind):
                yield Sample(ETA_ERROR, labels, eta.error)
                yield Sample(ETA_COVERED, labels, eta.covered)

    def _queues(self) -> Iterator[Sample]:
        model = case((Task.queue == IO, PROVIDER), else_=Task.model).label("known_model")
        groups = (Task.status, Task.queue, model, Task.kind)
        there = select(*groups, func.count().label("count")).where(Task.status.in_([Status.QUEUED, Status.PROCESSING]))
        for row in self._reads.all(there.group_by(Task.status, Task.queue, "known_model", Task.kind)):
            labels = {"status": row.status, "queue": row.queue, "model": row.known_model, "kind": row.kind}
            yield Sample(TASKS, labels, row.count)
        waiting = select(Task.queue, func.min(Task.created_at), database_now()).where(Task.status == Status.QUEUED)
        for queue, oldest, now in self._reads.all(waiting.group_by(Task.queue)):
            yield Sample(OLDEST, {"queue": queue}, (now - oldest).total_seconds())
