"""Which pipeline holds the device: load, swap, free, run. The only owner of torch state in the process."""

import gc
from collections.abc import Callable, Sequence
from functools import partial

import torch
from PIL import Image

from shared.catalog import Catalog, Model
from shared.claims import Claim
from shared.errors import NotFound
from shared.generation import Kind
from shared.storage import Storage
from worker.errors import KindUnsupported, ModelUnavailable, OutOfMemory, ReferenceUnreadable
from worker.media import Picture, read_image
from worker.pipelines import image_to_image, text_to_image
from worker.pipelines.loaded import Loaded
from worker.pipelines.request import Request

OnStep = Callable[[int, int], None]

RUN = {Kind.TEXT_TO_IMAGE: text_to_image.run, Kind.IMAGE_TO_IMAGE: image_to_image.run}


class Engine:
    """Holds at most one pipeline on one device."""

    def __init__(self, catalog: Catalog, storage: Storage, device: str = "auto") -> None:
        self.device = _device() if device == "auto" else device
        self._catalog = catalog
        self._storage = storage
        self._loaded: Loaded | None = None

    def warm_up(self) -> None:
        """Load the default model. Raises ModelUnavailable, OutOfMemory."""
        self._load(next(iter(self._catalog.models.values())))

    def batch_limit(self, model: str) -> int:
        """How many tasks of this model to claim for one call."""
        return self._catalog.models[model].max_batch if model in self._catalog.models else 1

    def generate(self, claimed: Sequence[Claim], on_step: OnStep) -> list[list[Picture]]:
        """The pictures of each claim; all of them share one batch key.

        `on_step(done, of)` is called after each denoising step of the whole and may raise to stop. Raises EngineError.
        """
        kind, model = claimed[0].kind, self._model(claimed[0].parameters.model)
        if kind not in RUN:
            raise KindUnsupported(model.id, kind)
        requests = [request for claim in claimed for request in Request.of(claim, self._images(claim))]
        loaded = self._load(model)
        try:
            made = iter(self._run(kind, loaded, requests, on_step))
        except torch.OutOfMemoryError as error:
            self._free()
            raise OutOfMemory(loaded.model.id, "the device ran out of memory") from error
        return [[next(made) for _ in range(claim.parameters.num_images)] for claim in claimed]

    def _run(self, kind: Kind, loaded: Loaded, requests: Sequence[Request], on_step: OnStep) -> list[Picture]:
        size, steps = loaded.model.max_batch, requests[0].parameters.denoising_steps
        calls = [requests[start : start + size] for start in range(0, len(requests), size)]
        pictures: list[Picture] = []
        for number, call in enumerate(calls):
            within = partial(_step_within, on_step, number * steps, len(calls) * steps)
            pictures += RUN[kind](loaded, call, within)
        return pictures

    def _images(self, claim: Claim) -> list[Image.Image]:
        try:
            return [read_image(self._storage, key) for key in claim.images]
        except (OSError, NotFound) as error:
            raise ReferenceUnreadable(claim.parameters.model, str(error)) from error

    def _model(self, name: str) -> Model:
        if name not in self._catalog.models:
            raise ModelUnavailable(name, "is not in the catalogue")
        return self._catalog.models[name]

    def _load(self, model: Model) -> Loaded:
        if self._loaded is None or self._loaded.model.id != model.id:
            self._free()
            try:
                self._loaded = Loaded.from_model(model, self.device)
            except torch.OutOfMemoryError as error:
                raise OutOfMemory(model.id, "the device cannot hold the model") from error
        return self._loaded

    def _free(self) -> None:
        self._loaded = None
        gc.collect()
        if self.device == "cuda":
            torch.cuda.empty_cache()


def _step_within(on_step: OnStep, before: int, of: int, done: int) -> None:
    on_step(before + done, of)


def _device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
