"""The signs of life of the thread that owns the device, and the engine that gives them.

That thread shows one at each denoising step and, while it has nothing to do, at each look for tasks. When they cease it
hangs: in the device, in the driver or wherever else.
"""

import time
from collections.abc import Callable, Sequence

from shared.claims import Claim
from shared.generation import Shape
from worker.job import Generator, OnStep
from worker.media import Made


class Pulse:
    """Written by the device's thread, read by the heartbeat's."""

    def __init__(self, stall_seconds: float, load_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._stall_seconds = stall_seconds
        self._load_seconds = load_seconds
        self._clock = clock
        self.load()

    def tick(self) -> None:
        """The thread goes on."""
        self._due = self._clock() + self._stall_seconds

    def load(self) -> None:
        """It goes on, and the next sign may take as long as loading a model does."""
        self._due = self._clock() + max(self._load_seconds, self._stall_seconds)

    @property
    def ceased(self) -> bool:
        return self._clock() > self._due


class WatchedEngine:
    """The engine, with a sign of life at each step; `loading` says, to other threads, that it loads a task's model."""

    def __init__(self, engine: Generator, pulse: Pulse) -> None:
        self._engine = engine
        self._pulse = pulse
        self.loading = False

    @property
    def loaded(self) -> tuple[str, ...]:
        return self._engine.loaded

    def batch_limit(self, shape: Shape) -> int:
        return self._engine.batch_limit(shape)

    def generate(self, claimed: Sequence[Claim], on_step: OnStep) -> Sequence[Sequence[Made]]:
        """As the engine does; a model that is not loaded yet has the time that loading takes."""

        def on_watched_step(step: int, steps: int, phase: str = "") -> None:
            (self._pulse.load if phase else self._pulse.tick)()
            self.loading = bool(phase)
            on_step(step, steps, phase)

        begin = self._pulse.tick if claimed[0].parameters.model in self._engine.loaded else self._pulse.load
        begin()
        try:
            made = self._engine.generate(claimed, on_watched_step)
        finally:
            self.loading = False
        self._pulse.tick()
        return made
