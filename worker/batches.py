"""How many pictures of a model and size pay in one call: measured while nothing else is to do, guessed before."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import structlog

from shared.catalog import Model
from worker.pipelines.pixels import next_multiple

log = structlog.get_logger(__name__)

PAYS = 0.85  # a picture of a batch twice as large must take at most this part of the time
SIZES = 64

Place = tuple[str, int, int, int]


class Size(NamedTuple):
    """In pixels; a picture has no frames."""

    width: int
    height: int
    frames: int


@dataclass
class Measured:
    """Seconds for one call of each batch size that was tried, in the order of trying."""

    seconds: dict[int, float]

    @property
    def best(self) -> int:
        """The largest batch that pays, counted from one picture up."""
        best = 1
        while (twice := best * 2) in self.seconds and self._each(twice) <= PAYS * self._each(best):
            best = twice
        return best

    def _each(self, batch: int) -> float:
        return self.seconds[batch] / batch


class Batches:
    """What is known by model, by width and height as the model makes them, and by a clip's number of frames."""

    def __init__(self, compiles: bool = False) -> None:
        """With `compiles` sizes of what makes no batches, as clips, count as well: there is something to warm up."""
        self._compiles = compiles
        self._best: dict[Place, int] = {}
        self._asked: dict[Place, Model] = {}

    def limit(self, model: Model, width: int, height: int) -> int:
        """The largest batch to make."""
        return self._best.get(_place(model, width, height, 0), model.usual_batch(width, height))

    def ask_for(self, model: Model, width: int, height: int, frames: int = 0) -> None:
        """This size is in use: it is worth measuring."""
        place = _place(model, width, height, frames)
        worth = model.profile == "exact" and (self._compiles or (model.max_batch > 1 and not frames))
        if worth and place not in self._best and len(self._asked) < SIZES:
            self._asked[place] = model

    @property
    def due(self) -> tuple[Model, Size] | None:
        """What is to be measured."""
        for (_, *size), model in self._asked.items():
            return model, Size(*size)
        return None

    def done(self, model: Model, width: int, height: int, frames: int = 0) -> None:
        """Measured, or not to be measured: no more of it."""
        self._asked.pop(_place(model, width, height, frames), None)

    def measure(
        self, model: Model, width: int, height: int, seconds: Callable[[int], float | None], frames: int = 0
    ) -> None:
        """Try one picture, two, four, ...; `seconds` says how long a call took, or None when no more need be tried."""
        measured = Measured({})
        batch = 1
        while batch <= model.max_batch and measured.best * 2 >= batch:
            took = seconds(batch)
            if took is None:
                break
            measured.seconds[batch] = took
            batch *= 2
        self._best[_place(model, width, height, frames)] = measured.best
        log.info("batch_measured", model=model.id, width=width, height=height, frames=frames, best=measured.best)


def _place(model: Model, width: int, height: int, frames: int) -> Place:
    return model.id, next_multiple(width, model.multiple), next_multiple(height, model.multiple), frames
