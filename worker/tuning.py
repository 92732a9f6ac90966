"""What a worker does while nothing else is to do: find the batches that pay, and compile for the sizes in use."""

import time
from collections.abc import Callable
from contextlib import suppress

import structlog
from PIL import Image

from shared.catalog import Model
from shared.generation import Kind, Parameters
from worker.batch import RUN
from worker.batches import Batches, Size
from worker.compiling import Compiler, Wanted
from worker.faults import is_broken, is_exhausted
from worker.pipelines.loaded import Loaded
from worker.pipelines.request import Request

log = structlog.get_logger(__name__)

STEPS = 3
# What is measured and compiled for: the first of these that the model makes.
BY_USE = (Kind.TEXT_TO_IMAGE, Kind.IMAGE_TO_IMAGE, Kind.TEXT_TO_VIDEO, Kind.IMAGE_TO_VIDEO)


class Enough(Exception):
    """The last step is made."""


class Tuning:
    """For the models that are in memory: none is loaded for it."""

    def __init__(self, batches: Batches, compiler: Compiler) -> None:
        self._batches = batches
        self._compiler = compiler

    def advance(self, loaded: Callable[[str], Loaded | None], wanted: Callable[[], bool]) -> bool:
        """One measurement or one compilation, given up as soon as `wanted` says so; False when none is left.

        Raises what the device says when it has failed.
        """
        due = self._batches.due
        if due is None or wanted():
            return False
        model, size = due
        there = loaded(model.id)
        try:
            if there:
                self._tune(there, size, wanted)
        except Wanted:
            return False
        except Exception as error:  # the edge: nobody has asked for it, so it must end nothing
            if is_broken(error):
                raise
            log.warning("tuning_failed", model=model.id, error=str(error))
        self._batches.done(model, size)
        return True

    def _tune(self, loaded: Loaded, size: Size, wanted: Callable[[], bool]) -> None:
        kind = next(kind for kind in BY_USE if kind in loaded.model.kinds and kind.makes_video == bool(size.frames))

        def seconds(batch: int) -> float | None:
            return self._seconds(loaded, kind, _requests(loaded.model, kind, size, batch), wanted)

        self._batches.measure(loaded.model, size, seconds)

    def _seconds(self, loaded: Loaded, kind: Kind, requests: list[Request], wanted: Callable[[], bool]) -> float | None:
        """How long a call of a few steps takes; the first one is only to get going, and compiles what is to be.

        None of what finds no memory, and of a clip, which is made alone in any case. It is not decoded either: that
        takes long, and cannot be given up.
        """

        def step(done: int, steps: int, *_: object) -> None:
            if wanted():
                raise Wanted
            if kind.makes_video and done == steps:
                raise Enough

        def run() -> None:
            with suppress(Enough):
                RUN[kind](loaded, requests, step)

        try:
            with self._compiler.compiling(loaded, wanted):
                run()
            if kind.makes_video:
                return None
            since = time.perf_counter()
            run()
            return time.perf_counter() - since
        except (RuntimeError, MemoryError) as error:
            if not is_exhausted(error):
                raise
            return None


def _requests(model: Model, kind: Kind, size: Size, batch: int) -> list[Request]:
    parameters = Parameters(
        model=model.id,
        width=size.width,
        height=size.height,
        num_images=batch,
        steps=STEPS,
        guidance_scale=model.guidance_scale.default,
        sampling_method=model.sampling_methods[0],
        num_frames=size.frames or None,
        fps=int(model.fps.default) if model.fps else None,
        strength=1.0 if kind is Kind.IMAGE_TO_IMAGE and model.strength else None,
    )
    references = [Image.new("RGB", (size.width, size.height), "grey")] if kind.takes_images else []
    return [Request("a picture", seed, parameters, references) for seed in range(batch)]
