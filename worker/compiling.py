"""torch.compile without anybody waiting for it: what is compiled already is used, the rest runs as it is.

Compiling happens within `compiling`, which is for idle time; what it makes outlives the process in a folder.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
import torch

from worker.pipelines.loaded import Loaded

log = structlog.get_logger(__name__)

GRAPHS = 64  # of one block: sizes times batches
CACHE_VARIABLE = "TORCHINDUCTOR_CACHE_DIR"
BROKEN = (RuntimeError, torch._dynamo.exc.TorchDynamoException)


class Compiler:
    """Compiles the networks that take the time; does nothing unless it is on."""

    def __init__(self, on: bool, cache: Path | None = None, backend: str = "inductor") -> None:
        self.on = on
        self._backend = backend
        if not on:
            return
        if cache:
            os.environ.setdefault(CACHE_VARIABLE, str(cache))
        torch._dynamo.config.recompile_limit = GRAPHS
        torch.compiler.set_stance("eager_on_recompile")

    @contextmanager
    def compiling(self, loaded: Loaded) -> Iterator[None]:
        """Within, whatever this model has not compiled yet is compiled. What cannot be runs as it is from then on."""
        if not self.on:
            yield
            return
        if not _marked(loaded.denoiser):
            _mark(loaded.denoiser, self._backend)
        try:
            with torch.compiler.set_stance("default"):
                yield
        except BROKEN as error:
            if isinstance(error, torch.OutOfMemoryError):
                raise
            log.warning("compile_failed", model=loaded.model.id, error=str(error))
            _unmark(loaded.denoiser)


def _mark(network: Any, backend: str) -> None:
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
