"""Which models are in memory: as many as the budget holds, the least recently used one goes first."""

import gc
import time
from collections import OrderedDict
from collections.abc import Callable

import psutil
import structlog
import torch

from shared.catalog import Model
from worker.errors import ModelUnavailable, OutOfMemory
from worker.faults import is_exhausted
from worker.pipelines.embeddings import Embeddings
from worker.pipelines.loaded import Loaded

Load = Callable[[Model, str, Embeddings, Callable[[int], None]], Loaded]

log = structlog.get_logger(__name__)

# What the models' weights may take of the device's memory; the rest is for what is computed with them.
SHARE = {"cuda": 0.7, "mps": 0.5, "cpu": 0.5}

RETRY_SECONDS = 60  # a broken model is not read again for each of its tasks


class Residency:
    """The models in memory by name, the one used last at the end."""

    def __init__(
        self,
        device: str,
        budget: int,
        embeddings: Embeddings,
        load: Load = Loaded.from_model,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`budget` is in bytes."""
        self._load_model = load
        self._device = device
        self._budget = budget
        self._embeddings = embeddings
        self._models: OrderedDict[str, Loaded] = OrderedDict()
        self._sizes: dict[str, int] = {}
        self._clock = clock
        self._retry_at: dict[str, float] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Safe in other threads."""
        return tuple(self._models)

    def get(self, model: Model, loading: Callable[[], None]) -> Loaded:
        """The model, loaded now if need be; `loading` is called before. Raises ModelUnavailable, OutOfMemory."""
        if model.id not in self._models:
            if self._clock() < self._retry_at.get(model.id, 0):
                raise ModelUnavailable(model.id, "could not be loaded a moment ago")
            loading()
            loaded = self._load(model)
            self._sizes[model.id] = loaded.bytes
            self._make_room(loaded.bytes)
            self._models[model.id] = loaded
            log.info("model_loaded", model=model.id, megabytes=loaded.bytes >> 20, resident=len(self._models))
        self._models.move_to_end(model.id)
        return self._models[model.id]

    def find(self, name: str) -> Loaded | None:
        """The model if it is in memory, for a look: it does not count as used."""
        return self._models.get(name)

    def drop(self, name: str) -> None:
        """Out of memory with it."""
        if self._models.pop(name, None):
            self._embeddings.forget(name)
            self.tidy()

    def keep_only(self, name: str) -> None:
        """Make all the room there is for this one."""
        for other in self.names:
            if other != name:
                self.drop(other)
        self.tidy()

    def tidy(self) -> None:
        """Give back what nobody uses any more."""
        gc.collect()
        if self._device != "cpu":
            torch.get_device_module(self._device).empty_cache()

    def _load(self, model: Model) -> Loaded:
        loaded = self._tried(model)
        if loaded is None:  # nothing but this is to be there, nor what an error had kept that is over by now
            self.keep_only(model.id)
            loaded = self._tried(model)
        if loaded is None:
            self.tidy()
            raise OutOfMemory(model.id, "the device cannot hold the model")
        return loaded

    def _tried(self, model: Model) -> Loaded | None:
        def make_room(on_disk: int) -> None:
            self._make_room(self._sizes.get(model.id, on_disk))

        try:
            return self._load_model(model, self._device, self._embeddings, make_room)
        except ModelUnavailable:
            self._retry_at[model.id] = self._clock() + RETRY_SECONDS
            raise
        except Exception as error:
            if not is_exhausted(error):
                raise
            return None

    def _make_room(self, size: int) -> None:
        while self._models and size + sum(self._sizes[name] for name in self._models) > self._budget:
            oldest = next(iter(self._models))
            log.info("model_unloaded", model=oldest)
            self.drop(oldest)


def budget(device: str, gigabytes: float) -> int:
    """In bytes; 0 gigabytes are a share of what the device has."""
    if gigabytes:
        return int(gigabytes * 2**30)
    has = torch.cuda.mem_get_info()[1] if device == "cuda" else psutil.virtual_memory().total
    return int(has * SHARE[device])
