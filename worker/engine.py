"""Which pipeline holds the device: load, swap, free, run. The only owner of torch state in the process."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import structlog
import torch
from PIL import Image

from shared.catalog import Catalog, Model
from shared.claims import Claim
from shared.errors import NotFound
from shared.generation import Shape
from shared.settings import Settings
from shared.storage import Storage
from shared.unreadable import UNREADABLE
from worker.batch import Batch
from worker.batches import Batches, Size
from worker.clip import Result
from worker.compiling import Compiler
from worker.device_memory import note_memory
from worker.errors import (
    BadPicture,
    ContentRefused,
    DeviceBroken,
    KindUnsupported,
    LoraUnavailable,
    ModelUnavailable,
    OutOfMemory,
    ReferenceUnreadable,
)
from worker.faults import is_broken, is_exhausted
from worker.job import OnStep, Stopped
from worker.media import read_image
from worker.pipelines.embeddings import Embeddings
from worker.pipelines.loaded import Loaded
from worker.pipelines.promises import tell_contradictions
from worker.pipelines.request import Request
from worker.previews import Previews
from worker.residency import Residency, budget
from worker.tuning import Tuning

log = structlog.get_logger(__name__)

LOADING = "loading"

# What leaves the model as it was.
HARMLESS = (Stopped, BadPicture, ContentRefused, KindUnsupported, LoraUnavailable)


@dataclass(frozen=True)
class Options:
    """How the device is used; 0 gigabytes are a share of what there is."""

    memory_gb: float = 0
    embedding_cache_mb: int = 256
    compiles: bool = False
    compile_cache: Path | None = None


class Engine:
    """Holds as many models as fit on one device, and runs one of them at a time."""

    def __init__(
        self,
        catalog: Catalog,
        storage: Storage,
        device: str = "auto",
        options: Options | None = None,
        previews: Previews | None = None,
    ) -> None:
        options = options or Options()
        self._previews = previews
        self.device = usable_device() if device == "auto" else device
        self._catalog = catalog
        self._storage = storage
        embeddings = Embeddings(options.embedding_cache_mb << 20)
        self._residency = Residency(self.device, budget(self.device, options.memory_gb), embeddings)
        self._batches = Batches(options.compiles)
        self._tuning = Tuning(self._batches, Compiler(options.compiles, options.compile_cache))
        tell_contradictions(catalog)

    @classmethod
    def of(cls, settings: Settings, catalog: Catalog, storage: Storage, previews: Previews | None) -> Self:
        """As the settings say; what is left to the service is compiled only on a graphics card."""
        device = usable_device() if settings.device == "auto" else settings.device
        compiles = settings.compile == "on" or (settings.compile == "auto" and device == "cuda")
        cache = settings.data_dir / "compiled"
        options = Options(settings.memory_gb, settings.embedding_cache_mb, compiles, cache)
        return cls(catalog, storage, device, options, previews)

    @property
    def loaded(self) -> tuple[str, ...]:
        """The names of the models in memory, the one used last at the end. Safe in other threads."""
        return self._residency.names

    def warm_up(self) -> str:
        """Load the default model; its name if it cannot be loaded, else nothing. Raises DeviceBroken."""
        model = next(iter(self._catalog.models.values()))
        try:
            with self._kept_clean(model):
                self._previews_of(self._residency.get(model, lambda: None))
        except DeviceBroken:
            raise
        except Exception as error:  # the edge: whatever is wrong with it, there are other models to serve
            log.error("model_unavailable", model=model.id, error=str(error))
            return model.id
        frames = model.num_frames if all(kind.makes_video for kind in model.kinds) else None
        size = (model.width.default, model.height.default, frames.default if frames else 0)
        self._batches.ask_for(model, Size(*map(int, size)))
        return ""

    def batch_limit(self, shape: Shape) -> int:
        """How many tasks to claim for one call."""
        model = self._catalog.models.get(shape.model)
        return self._batches.limit(model, Size(shape.width, shape.height)) if model else 1

    def generate(self, claimed: Sequence[Claim], on_step: OnStep) -> list[list[Result]]:
        """The pictures or clips of each claim; all of them share one batch key.

        `on_step(done, of)` is called after each denoising step of the whole and may raise to stop; before a model is
        loaded it is called with the phase `loading`, and once more after that. Raises EngineError.
        """
        shared, kind = claimed[0].parameters, claimed[0].kind
        model = self._model(shared.model)
        if kind not in model.kinds:
            raise KindUnsupported(model.id, kind)
        requests = [request for claim in claimed for request in Request.of(claim, self._images(claim))]
        with self._kept_clean(model):
            loaded = self._ready(model, partial(on_step, 0, shared.denoising_steps))
            make_room = partial(self._residency.keep_only, model.id)
            batch = Batch(loaded, kind, on_step, make_room, self._previews_of(loaded))
            size = Size(shared.width, shared.height, shared.num_frames or 0)
            self._batches.ask_for(model, size)
            try:
                made = iter(batch.run(requests, self._batches.limit(model, size)))
            finally:
                if not batch.climb_back():
                    self._residency.drop(model.id)
        return [[next(made) for _ in range(claim.parameters.num_images)] for claim in claimed]

    def tune(self, wanted: Callable[[], bool]) -> None:
        """Get better at what is in use, until `wanted` says that there is something to do."""
        while self._tuning.advance(self._residency.find, wanted):
            pass

    def _ready(self, model: Model, tell: Callable[..., None]) -> Loaded:
        """The model in memory; nobody may want it any more when that took time."""
        was_there = model.id in self.loaded
        loaded = self._residency.get(model, lambda: tell(phase=LOADING))
        if not was_there:
            tell()
        return loaded

    @contextmanager
    def _kept_clean(self, model: Model) -> Iterator[None]:
        """Within, an error that may have left the model in pieces takes it out of memory.

        Raises OutOfMemory and DeviceBroken for what the device says.
        """
        try:
            yield
        except HARMLESS:
            raise
        except Exception as error:
            self._clean_up(model.id, error)
            raise
        note_memory(self.device)

    def _clean_up(self, name: str, error: Exception) -> None:
        try:
            if not is_broken(error):
                self._residency.drop(name)
        except torch.AcceleratorError as later:  # a device that has failed may say so only now
            error = later
        if is_broken(error):
            raise DeviceBroken(name, str(error)) from error
        if is_exhausted(error):
            raise OutOfMemory(name, str(error)) from error

    def _previews_of(self, loaded: Loaded) -> Previews | None:
        """None where its pictures cannot be shown before they are done, which is found out here at the first time."""
        return self._previews if self._previews and loaded.projection else None

    def _images(self, claim: Claim) -> list[Image.Image]:
        try:
            return [read_image(self._storage, key) for key in claim.images]
        except (*UNREADABLE, NotFound) as error:
            raise ReferenceUnreadable(claim.parameters.model, str(error)) from error

    def _model(self, name: str) -> Model:
        if name not in self._catalog.models:
            raise ModelUnavailable(name, "is not in the catalogue")
        return self._catalog.models[name]


def usable_device() -> str:
    """The fastest device that is here."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
