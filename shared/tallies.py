"""What workers measure for Prometheus. They have no port: it stands in their rows, and the web tier shows it.

A label is a model of the catalogue, a kind or a word of this code, never what a user wrote.
"""

import threading
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

from shared.generation import Kind, Parameters

Series = tuple[list[str], list[int], float]
Told = Mapping[str, Sequence[Series]]

PROVIDER = "(provider)"  # instead of the name that a user has given to a provider's model
SECONDS = (0.1, 0.5, 2, 5, 15, 60, 300, 1800)
# One for all: whoever is told of a task's end is told of its beginning, too.
LOCK = threading.RLock()


class Tally:
    """Of this process, since its start: how often something came and the sum of what it measured, by labels.

    `type` is Prometheus': a histogram counts by `bounds`; of a counter and a gauge the sum is what is shown.
    """

    def __init__(self, type: str, name: str, meaning: str, *labels: str, bounds: Sequence[float] = ()) -> None:
        self.type = type
        self.name = name
        self.meaning = meaning
        self.labels = labels
        self.bounds = bounds
        self._series: dict[tuple[str, ...], tuple[list[int], float]] = {}

    def add(self, *labels: str, value: float = 1) -> None:
        """One more, which measured `value`."""
        place = bisect_left(self.bounds, value)
        with LOCK:
            counts, total = self._series.get(labels) or ([0] * (len(self.bounds) + 1), 0)
            counts[place] += 1
            self._series[labels] = (counts, total + value)

    def set(self, *labels: str, value: float) -> None:
        """It is so much now."""
        with LOCK:
            self._series[labels] = ([1], value)

    def tell(self) -> list[Series]:
        """As it stands in the worker's row."""
        with LOCK:
            return [([*labels], [*counts], total) for labels, (counts, total) in self._series.items()]

    def read(self, told: Told) -> Iterator[Series]:
        """Its series in a worker's row; what another version has told in another form is left out."""
        for labels, counts, total in told.get(self.name, ()):
            if len(labels) == len(self.labels) and len(counts) == len(self.bounds) + 1:
                yield labels, counts, total


BY_MODEL = ("model", "kind")

QUEUE_WAIT = Tally(
    "histogram",
    "darkroom_queue_wait_seconds",
    "How long tasks had waited when a worker took them for the first time.",
    *BY_MODEL,
    bounds=SECONDS,
)
RUN = Tally(
    "histogram",
    "darkroom_run_seconds",
    "How long whole calls took, without the loading of the model.",
    *BY_MODEL,
    bounds=SECONDS,
)
BATCH = Tally(
    "histogram",
    "darkroom_batch_tasks",
    "How many tasks shared a call.",
    *BY_MODEL,
    bounds=(1, 2, 4, 8, 16),
)
ENDED = Tally(
    "counter",
    "darkroom_tasks_ended",
    "Tasks that came to their end at a worker; `outcome` is completed, cancelled or the code of the failure.",
    *BY_MODEL,
    "outcome",
)
RETRIES = Tally(
    "counter",
    "darkroom_retries",
    "Tasks that were taken though a try had failed before.",
    *BY_MODEL,
)
LEASES_LOST = Tally(
    "counter",
    "darkroom_leases_lost",
    "Tasks that their worker did not hold any more: `own` were this one's, `others` it has freed.",
    "cause",
)
OUT_OF_MEMORY = Tally(
    "counter",
    "darkroom_out_of_memory",
    "How often a call was tried again with less memory; `rung` says how.",
    "model",
    "rung",
)
DEVICE_MEMORY = Tally(
    "gauge",
    "darkroom_device_memory_bytes",
    "Memory of the device after the last call: allocated, reserved, and at the call's peak.",
    "part",
)

TALLIES = (QUEUE_WAIT, RUN, BATCH, ENDED, RETRIES, LEASES_LOST, OUT_OF_MEMORY, DEVICE_MEMORY)


def told() -> Told:
    """All of this process, as they are at one moment."""
    with LOCK:
        return {tally.name: series for tally in TALLIES if (series := tally.tell())}


def labels_of(kind: Kind, parameters: Parameters) -> tuple[str, str]:
    """The values of BY_MODEL."""
    return (PROVIDER if parameters.provider else parameters.model), kind.value
