"""torch.compile in idle time: what is compiled already is used, the rest runs as it is.

Compiling happens within `compiling`; what it makes outlives the process in a folder. No task waits for it: a graph is
compiled in a thread of its own, which goes on beside a task that comes, and whose outcome the next idle time finds in
that folder. Only the reading of a block, before that, is done in the device's own thread; it takes about a second, of a
whole network several.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any
from weakref import WeakSet

import structlog
import torch
from torch._dynamo.backends.registry import lookup_backend
from torch._dynamo.exc import FailOnRecompileLimitHit, TorchDynamoException
from torch._guards import CompileContext, TracingContext, compile_context, tracing

from worker.faults import is_of_device
from worker.pipelines.loaded import Loaded

log = structlog.get_logger(__name__)

GRAPHS = 64  # of one block: sizes times batches
CACHE_VARIABLE = "TORCHINDUCTOR_CACHE_DIR"
BROKEN = (RuntimeError, TorchDynamoException)
LOOK_SECONDS = 0.05


class Wanted(Exception):
    """There is something to do: what is for idle time has to wait."""


class Compiler:
    """Compiles the networks that take the time; does nothing unless it is on."""

    def __init__(self, on: bool, cache: Path | None = None, backend: str = "inductor") -> None:
        self.on = on
        self._backend = backend
        self._wanted: Callable[[], bool] = lambda: False
        self._interrupted = False
        self._left_alone: Future[Any] | None = None
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

        `wanted` is asked all the time. Raises Wanted when it says so; what is compiled by then stays.
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
        self._give_way()
        if self._left_alone:
            self._wait_for(self._left_alone)
        self._left_alone = work = _apart(lambda: lookup_backend(self._backend)(graph, inputs))
        self._wait_for(work)
        self._left_alone = None
        return work.result()

    def _wait_for(self, work: Future[Any]) -> None:
        while not wait([work], LOOK_SECONDS).done:
            self._give_way()

    def _give_way(self) -> None:
        if self._wanted():
            self._interrupted = True
            raise Wanted


def _apart(work: Callable[[], Any]) -> Future[Any]:
    """Done in another thread, which knows what torch knows in this one of the graph; no process waits for its end."""
    traced, compiled, outcome = TracingContext.try_get(), CompileContext.try_get(), Future[Any]()

    def run() -> None:
        try:
            with tracing(traced), compile_context(compiled):
                outcome.set_result(work())
        except BaseException as error:  # the edge: whoever waits for the outcome is told
            outcome.set_exception(error)

    Thread(target=run, name="compiling", daemon=True).start()
    return outcome


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
        for part in _repeated(network) or [network]:
            part.compile(dynamic=False, backend=backend)


def _repeated(network: torch.nn.Module) -> list[torch.nn.Module]:
    """The blocks of its lists in which all are of one class."""
    lists = [part for part in network.children() if isinstance(part, torch.nn.ModuleList) and len(part) > 1]
    return [block for blocks in lists if len({type(block) for block in blocks}) == 1 for block in blocks]


def _unmark(network: Any) -> None:
    for module in network.modules():
        module._compiled_call_impl = None


def _marked(network: Any) -> bool:
    return any(module._compiled_call_impl is not None for module in network.modules())
