"""What a worker does while nothing else is to do: find the batches that pay, and compile for the sizes in use."""

import time
from collections.abc import Callable

import structlog

from shared.catalog import Model
from shared.generation import Kind, Parameters
from worker.batches import Batches
from worker.compiling import Compiler, Wanted
from worker.faults import is_broken, is_exhausted
from worker.pipelines import text_to_image
from worker.pipelines.loaded import Loaded
from worker.pipelines.request import Request

log = structlog.get_logger(__name__)

STEPS = 3


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
        model, width, height = due
        there = loaded(model.id)
        try:
            if there and Kind.TEXT_TO_IMAGE in model.kinds:
                self._tune(there, width, height, wanted)
        except Wanted:
            return False
        except Exception as error:  # the edge: nobody has asked for it, so it must end nothing
            if is_broken(error):
                raise
            log.warning("tuning_failed", model=model.id, error=str(error))
        self._batches.done(model, width, height)
        return True

    def _tune(self, loaded: Loaded, width: int, height: int, wanted: Callable[[], bool]) -> None:
        def seconds(batch: int) -> float | None:
            return self._seconds(loaded, width, height, batch, wanted)

        self._batches.measure(loaded.model, width, height, seconds)

    def _seconds(self, loaded: Loaded, width: int, height: int, batch: int, wanted: Callable[[], bool]) -> float | None:
        """How long a call of a few steps takes; the first one is only to get going, and compiles what is to be."""

        def stop_if_wanted(*_: object) -> None:
            if wanted():
                raise Wanted

        def run() -> None:
            text_to_image.run(loaded, _requests(loaded.model, width, height, batch), stop_if_wanted)

        try:
            with self._compiler.compiling(loaded, wanted):
                run()
            since = time.perf_counter()
            run()
            return time.perf_counter() - since
        except (RuntimeError, MemoryError) as error:
            if not is_exhausted(error):
                raise
            return None


def _requests(model: Model, width: int, height: int, batch: int) -> list[Request]:
    parameters = Parameters(
        model=model.id,
        width=width,
        height=height,
        num_images=batch,
        steps=STEPS,
        guidance_scale=model.guidance_scale.default,
        sampling_method=model.sampling_methods[0],
    )
    return [Request("a picture", seed, parameters) for seed in range(batch)]
