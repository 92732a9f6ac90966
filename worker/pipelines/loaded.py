"""A model in memory: its diffusers pipelines, one for each kind, on the same weights and ready on the device."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import diffusers
import structlog
import torch
from diffusers import AutoencoderKLCogVideoX, AutoencoderKLLTXVideo, CacheMixin, FirstBlockCacheConfig
from diffusers.image_processor import VaeImageProcessor

from shared.catalog import Model
from shared.generation import Kind
from worker.errors import KindUnsupported, ModelUnavailable, OutOfMemory
from worker.faults import is_exhausted, is_of_device
from worker.pipelines import projection, reading
from worker.pipelines.embeddings import Embeddings, Key, remember_prompts
from worker.pipelines.families import class_for, marks_its_calls
from worker.pipelines.loras import applied
from worker.pipelines.samplers import fits

log = structlog.get_logger(__name__)

BROKEN = (OSError, ValueError, TypeError, KeyError, AttributeError, ImportError, RuntimeError)
SKIP_BELOW = 0.08  # how little the first block's output may differ; diffusers, optimization/cache

# What the families call how many pixels of a side, and how many frames, one latent stands for.
PIXELS = ("vae_scale_factor", "vae_scale_factor_spatial", "vae_spatial_compression_ratio", "vae_spatial_scale_factor")
FRAMES = ("vae_scale_factor_temporal", "vae_temporal_compression_ratio", "vae_temporal_scale_factor")


@dataclass
class Loaded:
    """`noise_schedule` is the configuration of the scheduler that came with the model, `source` where it came from."""

    model: Model
    pipeline: Any
    device: str
    dtype: torch.dtype
    source: str
    embeddings: Embeddings
    noise_schedule: Mapping[str, Any]
    _by_kind: dict[Kind, Any] = field(default_factory=dict)
    _worn: str = ""

    @classmethod
    def from_model(
        cls, model: Model, device: str, embeddings: Embeddings, make_room: Callable[[int], None] = lambda size: None
    ) -> Self:
        """Read the weights and move them to the device. Raises ModelUnavailable, and what the device says.

        `make_room` is told how many bytes its files have, once they are here and before they are read.
        """
        dtype = usual_dtype(device) if model.dtype == "auto" else getattr(torch, model.dtype)
        try:
            source = reading.located(model)
            make_room(reading.bytes_on_disk(model, source))
            pipeline = reading.read(model, source, dtype)
            _lay_out(pipeline, device)
            pipeline.to(device)
        except Exception as error:  # of broken files each library says something of its own
            if is_of_device(error):
                raise
            log.error("model_load_failed", model=model.id, exc_info=error)
            raise ModelUnavailable(model.id, type(error).__name__) from error
        schedule = dict(pipeline.scheduler.config)
        if unfit := [method for method in model.sampling_methods if not fits(method, schedule)]:
            raise ModelUnavailable(model.id, f"its scheduler does not go with {', '.join(unfit)}")
        return cls(model, pipeline, device, dtype, source, embeddings, schedule)

    def pipeline_for(self, kind: Kind) -> Any:
        """The pipeline that makes this kind. Raises KindUnsupported."""
        if kind not in self._by_kind:
            described = {**self.pipeline.config, **getattr(self.denoiser, "config", {})}
            wanted = class_for(type(self.pipeline).__name__, kind, described)
            if wanted is None:
                raise KindUnsupported(self.model.id, f"{type(self.pipeline).__name__} does not make {kind.value}")
            # without a dtype it would turn the weights, which are shared, into float32
            own = isinstance(self.pipeline, wanted)
            pipeline = self.pipeline if own else wanted.from_pipe(self.pipeline, dtype=self.dtype)
            pipeline.set_progress_bar_config(disable=True)
            remember_prompts(pipeline, self.embeddings, self._embedding_key)
            self._by_kind[kind] = pipeline
        return self._by_kind[kind]

    @property
    def denoiser(self) -> Any:
        """The network that is called in each step."""
        return getattr(self.pipeline, "transformer", None) or getattr(self.pipeline, "unet", None)

    @property
    def pixels(self) -> int:
        """How many pixels of a side one latent stands for."""
        return self._of_latent(PIXELS)

    @cached_property
    def projection(self) -> projection.Projection | None:
        """How its latents look; None where that cannot be told. Learnt at first, which takes about as long as a step.

        FLUX.2's latents are normed by statistics of patches, not of channels.
        """
        vae = getattr(self.pipeline, "vae", None)
        if vae is None or hasattr(vae, "bn"):
            return None
        frames = self.frames(2) if any(kind.makes_video for kind in self.model.kinds) else 1
        try:
            return projection.learn(vae, self.pixels, frames)
        except BROKEN as error:
            log.warning("no_previews", model=self.model.id, error=str(error))
            return None

    @cached_property
    def multiple(self) -> int:
        """Width and height must be multiples of this: what the entry says, or what the model needs if that is more."""
        patch = getattr(getattr(self.denoiser, "config", None), "patch_size", 1)
        side = patch[-1] if isinstance(patch, list | tuple) else patch
        processor = getattr(self.pipeline, "image_processor", None)
        of_pictures = processor.config.vae_scale_factor if isinstance(processor, VaeImageProcessor) else 1
        return max(self.model.multiple, self.pixels * (side or 1), of_pictures)

    def frames(self, count: int) -> int:
        """The smallest number of frames that the model makes and that is no less: a first one, then so many at a time.

        CogVideoX decodes several latents at a time.
        """
        vae = self.pipeline.vae
        at_a_time = vae.num_latent_frames_batch_size if isinstance(vae, AutoencoderKLCogVideoX) else 1
        step = self._of_latent(FRAMES) * at_a_time
        return max(1, -(-(count - 1) // step)) * step + 1

    @cached_property
    def bytes(self) -> int:
        """What its weights take."""
        modules = [part for part in self.pipeline.components.values() if isinstance(part, torch.nn.Module)]
        tensors = [tensor for module in modules for tensor in (*module.parameters(), *module.buffers())]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What a picture's manifest says about where it was made."""
        from_hub = Path(self.source).name if self.source != self.model.source else None
        return {
            "revision": from_hub or self.model.revision,
            "weights": reading.fingerprint(self.model, self.source),
            "device": torch.cuda.get_device_name() if self.device == "cuda" else self.device,
            "dtype": str(self.dtype).removeprefix("torch."),
            "versions": {"torch": torch.__version__, "diffusers": diffusers.__version__},
        }

    @contextmanager
    def in_float32(self) -> Iterator[None]:
        """Within, everything is computed in full precision. The weights come back as they were: nothing is rounded.

        Raises OutOfMemory when they cannot come back: a model of two kinds of numbers is of no use.
        """
        try:
            self._turn_to(torch.float32)
            yield
        finally:
            self._turn_back()

    @contextmanager
    def wearing(self, loras: Sequence[Mapping[str, Any]] | None) -> Iterator[None]:
        """Within, these LoRAs are on the weights, and on no other task's. Raises LoraUnavailable."""
        with applied(self.model, self.pipeline, loras):
            self._worn = repr(loras or "")
            try:
                yield
            finally:
                self._worn = ""

    @contextmanager
    def by_profile(self, kind: Kind) -> Iterator[str]:
        """Within, steps that would change little are skipped if the entry wants that and the model can.

        Yields the profile that is really in force. What the skipping goes by is thrown away afterwards.
        """
        caches = isinstance(self.denoiser, CacheMixin) and marks_its_calls(self.pipeline_for(kind))
        if self.model.profile == "exact" or not caches:
            yield "exact"
            return
        self.denoiser.enable_cache(FirstBlockCacheConfig(threshold=SKIP_BELOW))
        try:
            yield "fast"
        finally:
            self.denoiser.disable_cache()

    def save_memory(self, saves: bool) -> None:
        """Let the autoencoder work picture by picture and tile by tile, or at once again.

        LTX's can also go through a clip bit by bit; others do so anyway.
        """
        vae = getattr(self.pipeline, "vae", None)
        for what in ("slicing", "tiling"):
            if change := getattr(vae, f"{'enable' if saves else 'disable'}_{what}", None):
                change()
        if isinstance(vae, AutoencoderKLLTXVideo):
            vae.use_framewise_decoding = saves

    def offload(self, kind: Kind) -> bool:
        """Keep on the device only the part that computes. False where there is no other memory to keep the rest in.

        There is no way back but to load the model anew.
        """
        if self.device == "cpu":
            return False
        self.pipeline.to("cpu")
        self.pipeline_for(kind).enable_model_cpu_offload(device=self.device)
        return True

    def _turn_to(self, dtype: torch.dtype) -> None:
        self.pipeline.to(dtype=dtype)
        self.embeddings.forget(self.model.id)

    def _turn_back(self) -> None:
        try:
            self._turn_to(self.dtype)
        except Exception as error:
            if not is_exhausted(error):
                raise
            raise OutOfMemory(self.model.id, "its numbers do not fit while they are turned back") from error

    def _of_latent(self, names: Sequence[str]) -> int:
        return next((getattr(self.pipeline, name) for name in names if hasattr(self.pipeline, name)), 1)

    def _embedding_key(self) -> Key:
        return (self.model.id, self._worn)


def usual_dtype(device: str) -> torch.dtype:
    """The shorter numbers that this device computes with."""
    if device == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return {"mps": torch.float16}.get(device, torch.float32)


def _lay_out(pipeline: Any, device: str) -> None:
    """Convolutions over pictures are faster on a graphics card when a pixel's channels lie side by side."""
    for part in (getattr(pipeline, "unet", None), getattr(pipeline, "vae", None)):
        if part is not None and device == "cuda" and all(weights.ndim != 5 for weights in part.parameters()):
            part.to(memory_format=torch.channels_last)
