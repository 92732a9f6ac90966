"""Which pipeline holds the device: load, swap, free, run. The only owner of torch state in the process."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
from worker.batch import Batch
from worker.batches import Batches
from worker.clip import Result
from worker.compiling import Compiler
from worker.errors import KindUnsupported, ModelUnavailable, OutOfMemory, ReferenceUnreadable
from worker.job import OnStep
from worker.media import read_image
from worker.pipelines.embeddings import Embeddings
from worker.pipelines.reading import contradictions
from worker.pipelines.request import Request
from worker.residency import Residency, budget
from worker.tuning import Tuning

log = structlog.get_logger(__name__)

LOADING = "loading"


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
        self, catalog: Catalog, storage: Storage, device: str = "auto", options: Options | None = None
    ) -> None:
        options = options or Options()
        self.device = usable_device() if device == "auto" else device
        self._catalog = catalog
        self._storage = storage
        embeddings = Embeddings(options.embedding_cache_mb << 20)
        self._residency = Residency(self.device, budget(self.device, options.memory_gb), embeddings)
        self._batches = Batches(options.compiles)
        self._tuning = Tuning(self._batches, Compiler(options.compiles, options.compile_cache))
        self.problems = _problems(catalog)

    @classmethod
    def of(cls, settings: Settings, catalog: Catalog, storage: Storage) -> Self:
        """As the settings say; what is left to the service is compiled only on a graphics card."""
        device = usable_device() if settings.device == "auto" else settings.device
        compiles = settings.compile == "on" or (settings.compile == "auto" and device == "cuda")
        cache = settings.data_dir / "compiled"
        options = Options(settings.memory_gb, settings.embedding_cache_mb, compiles, cache)
        return cls(catalog, storage, device, options)

    @property
    def loaded(self) -> tuple[str, ...]:
        """The names of the models in memory, the one used last at the end. Safe in other threads."""
        return self._residency.names

    def warm_up(self) -> None:
        """Load the default model. Raises ModelUnavailable, OutOfMemory."""
        model = next(iter(self._catalog.models.values()))
        self._residency.get(model, lambda: None)
        self._batches.ask_for(model, int(model.width.default), int(model.height.default))

    def batch_limit(self, shape: Shape) -> int:
        """How many tasks to claim for one call."""
        model = self._catalog.models.get(shape.model)
        return self._batches.limit(model, shape.width, shape.height) if model else 1

    def generate(self, claimed: Sequence[Claim], on_step: OnStep) -> list[list[Result]]:
        """The pictures or clips of each claim; all of them share one batch key.

        `on_step(done, of)` is called after each denoising step of the whole and may raise to stop; before a model is
        loaded it is called with the phase `loading`. Raises EngineError.
        """
        shared, kind = claimed[0].parameters, claimed[0].kind
        model = self._model(shared.model)
        if kind not in model.kinds:
            raise KindUnsupported(model.id, kind)
        requests = [request for claim in claimed for request in Request.of(claim, self._images(claim))]
        loaded = self._residency.get(model, lambda: on_step(0, shared.denoising_steps, phase=LOADING))
        batch = Batch(loaded, kind, on_step, lambda: self._residency.keep_only(model.id))
        self._batches.ask_for(model, shared.width, shared.height)
        try:
            made = iter(batch.run(requests, self._batches.limit(model, shared.width, shared.height)))
        except OutOfMemory:
            self._residency.drop(model.id)
            raise
        finally:
            if not batch.climb_back():
                self._residency.drop(model.id)
        return [[next(made) for _ in range(claim.parameters.num_images)] for claim in claimed]

    def tune(self, wanted: Callable[[], bool]) -> None:
        """Get better at what is in use, until `wanted` says that there is something to do."""
        while self._tuning.advance(self._residency.find, wanted):
            pass

    def _images(self, claim: Claim) -> list[Image.Image]:
        try:
            return [read_image(self._storage, key) for key in claim.images]
        except (OSError, NotFound) as error:
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


def _problems(catalog: Catalog) -> dict[str, list[str]]:
    """What entries promise and cannot keep, by model; as far as their files are here."""
    found = {model.id: contradictions(model) for model in catalog.models.values()}
    for name, problems in found.items():
        for problem in problems:
            log.error("model_misdescribed", model=name, problem=problem)
    return {name: problems for name, problems in found.items() if problems}
