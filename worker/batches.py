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


class Size(NamedTuple):
    """In pixels; a picture has no frames."""

    width: int
    height: int
    frames: int = 0


Place = tuple[str, Size]


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

    def limit(self, model: Model, size: Size) -> int:
        """The largest batch to make."""
        return self._best.get(_place(model, size), model.usual_batch(size.width, size.height))

    def ask_for(self, model: Model, size: Size) -> None:
        """This size is in use: it is worth measuring."""
        place = _place(model, size)
        worth = model.profile == "exact" and (self._compiles or (model.max_batch > 1 and not size.frames))
        if worth and place not in self._best and len(self._asked) < SIZES:
            self._asked[place] = model

    @property
    def due(self) -> tuple[Model, Size] | None:
        """What is to be measured."""
        for (_, size), model in self._asked.items():
            return model, size
        return None

    def done(self, model: Model, size: Size) -> None:
        """Measured, or not to be measured: no more of it."""
        self._asked.pop(_place(model, size), None)

    def measure(self, model: Model, size: Size, seconds: Callable[[int], float | None]) -> None:
        """Try one picture, two, four, ...; `seconds` says how long a call took, or None when no more need be tried."""
        measured = Measured({})
        batch = 1
        while batch <= model.max_batch and measured.best * 2 >= batch:
            took = seconds(batch)
            if took is None:
                break
            measured.seconds[batch] = took
            batch *= 2
        self._best[_place(model, size)] = measured.best
        log.info("batch_measured", model=model.id, **size._asdict(), best=measured.best)


def _place(model: Model, size: Size) -> Place:
    width, height = (next_multiple(side, model.multiple) for side in (size.width, size.height))
    return model.id, size._replace(width=width, height=height)
