"""torch.compile in idle time: what is compiled already is used, the rest runs as it is.

Compiling happens within `compiling`; what it makes outlives the process in a folder. A task that comes meanwhile waits
for the graph that is being compiled, at most.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakSet

import structlog
import torch
from torch._dynamo.backends.registry import lookup_backend
from torch._dynamo.exc import FailOnRecompileLimitHit, TorchDynamoException

from worker.faults import is_of_device
from worker.pipelines.loaded import Loaded

log = structlog.get_logger(__name__)

GRAPHS = 64  # of one block: sizes times batches
CACHE_VARIABLE = "TORCHINDUCTOR_CACHE_DIR"
BROKEN = (RuntimeError, TorchDynamoException)


class Wanted(Exception):
    """There is something to do: what is for idle time has to wait."""


class Compiler:
    """Compiles the networks that take the time; does nothing unless it is on."""

    def __init__(self, on: bool, cache: Path | None = None, backend: str = "inductor") -> None:
        self.on = on
        self._backend = backend
        self._wanted: Callable[[], bool] = lambda: False
        self._interrupted = False
        self._full: WeakSet[torch.nn.Module] = WeakSet()
        if not on:
            return
        if cache:
            os.environ[CACHE_VARIABLE] = str(cache)  # torch has set it to a folder of its own when it was imported
        torch._dynamo.config.recompile_limit = GRAPHS
        torch.compiler.set_stance("eager_on_recompile")

    @contextmanager
    def compiling(self, loaded: Loaded, wanted: Callable[[], bool]) -> Iterator[None]:
        """Within, whatever this model has not compiled yet is compiled. What cannot be runs as it is from then on.

        `wanted` is asked before each graph. Raises Wanted when it says so; what is compiled by then stays.
        """
        if not self.on or loaded.denoiser in self._full:
            yield
            return
        if not _marked(loaded.denoiser):
            _mark(loaded.denoiser, self._compiled)
        self._wanted, self._interrupted = wanted, False
        try:
            with torch.compiler.set_stance("default"):
                yield
        except FailOnRecompileLimitHit:
            log.info("compiled_enough", model=loaded.model.id)
            self._full.add(loaded.denoiser)
        except BROKEN as error:
            self._give_up(loaded, error)

    def _give_up(self, loaded: Loaded, error: Exception) -> None:
        if self._interrupted:  # which torch has wrapped
            raise Wanted from None
        if is_of_device(error):
            raise error
        log.warning("compile_failed", model=loaded.model.id, error=str(error))
        _unmark(loaded.denoiser)

    def _compiled(self, graph: Any, inputs: Any) -> Any:
        """What torch calls for each graph."""
        if self._wanted():
            self._interrupted = True
            raise Wanted
        return lookup_backend(self._backend)(graph, inputs)


@contextmanager
def as_written(loaded: Loaded) -> Iterator[None]:
    """Within, nothing compiled is used: its numbers are rounded in other places."""
    if not _marked(loaded.denoiser):
        yield
        return
    with torch.compiler.set_stance("force_eager"):
        yield


def _mark(network: Any, backend: Callable[[Any, Any], Any]) -> None:
    """Block by block where a network is made of equal ones, which takes seconds, not minutes; else as a whole."""
    try:
        network.compile_repeated_blocks(fullgraph=True, dynamic=False, backend=backend)
    except (ValueError, AttributeError):  # its class does not say which blocks repeat
        network.compile(dynamic=False, backend=backend)


def _unmark(network: Any) -> None:
    for module in network.modules():
        module._compiled_call_impl = None


def _marked(network: Any) -> bool:
    return any(module._compiled_call_impl is not None for module in network.modules())
