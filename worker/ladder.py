"""What to do when the device runs out of memory: step down until the batch fits, and up again after it."""

from collections import deque
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Protocol

import structlog

from shared.generation import Kind
from shared.tallies import OUT_OF_MEMORY
from worker.clip import Result
from worker.errors import OutOfMemory
from worker.faults import is_exhausted
from worker.pipelines.request import Request

log = structlog.get_logger(__name__)

Calls = Sequence[Sequence[Request]]
Once = Callable[[Sequence[Request], int], Sequence[Result]]


class Rung(StrEnum):
    """How far down a batch had to go."""

    NONE = "none"
    SMALLER_BATCH = "smaller_batch"
    VAE_TILING = "vae_tiling"
    OFFLOAD = "offload"


class Frugal(Protocol):
    """A model in memory that can do with less."""

    def save_memory(self, saves: bool) -> None: ...
    def offload(self, kind: Kind) -> bool: ...


class Ladder:
    """For one batch on one model."""

    def __init__(self, name: str, loaded: Frugal, kind: Kind, make_room: Callable[[], None]) -> None:
        """`make_room` frees whatever else is on the device."""
        self._name = name
        self._loaded = loaded
        self._kind = kind
        self._make_room = make_room
        self.rung = Rung.NONE

    def run(self, calls: Calls, once: Once) -> list[tuple[Request, Result]]:
        """Each request with what it made. `once(requests, left)` makes one call's; so many are left with it.

        Raises OutOfMemory below the last rung.
        """
        waiting = deque(calls)
        made: list[tuple[Request, Result]] = []
        while waiting:
            pictures = self._tried(once, waiting[0], len(waiting))
            if pictures is None:
                waiting.extendleft(reversed(self._step_down(waiting.popleft())))
            else:
                made += zip(waiting.popleft(), pictures, strict=True)
        return made

    def climb_back(self) -> bool:
        """As it was before. False when the model has to be loaded anew for that."""
        if self.rung is not Rung.NONE:
            self._loaded.save_memory(saves=False)
        return self.rung is not Rung.OFFLOAD

    def _tried(self, once: Once, call: Sequence[Request], left: int) -> Sequence[Result] | None:
        """None when the memory was not enough; the error and the tensors that it holds are gone by then."""
        try:
            return once(call, left)
        except Exception as error:
            if not is_exhausted(error):
                raise
            return None

    def _offloaded(self) -> bool:
        """False also when the other memory is full; what is half moved then goes with its model."""
        try:
            return self._loaded.offload(self._kind)
        except Exception as error:
            if not is_exhausted(error):
                raise
            return False

    def _step_down(self, call: Sequence[Request]) -> Calls:
        """What to try instead of this call. Raises OutOfMemory."""
        self._make_room()
        half = (len(call) + 1) // 2
        if len(call) > 1:
            return self._on(max(self.rung, Rung.SMALLER_BATCH, key=list(Rung).index), [call[:half], call[half:]])
        if self.rung in {Rung.NONE, Rung.SMALLER_BATCH}:
            self._loaded.save_memory(saves=True)
            return self._on(Rung.VAE_TILING, [call])
        if self.rung is Rung.VAE_TILING and self._offloaded():
            return self._on(Rung.OFFLOAD, [call])
        raise OutOfMemory(self._name, "the device has not enough memory for this")

    def _on(self, rung: Rung, calls: Calls) -> Calls:
        self.rung = rung
        log.warning("out_of_memory", model=self._name, rung=rung.value)
        OUT_OF_MEMORY.add(self._name, rung.value)
        return calls
