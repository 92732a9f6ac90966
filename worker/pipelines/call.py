"""What a pipeline is given for pictures that share size, steps, sampler and guidance, and what its answer becomes."""

import inspect
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from worker.errors import BadPicture, ContentRefused
from worker.media import Picture
from worker.pipelines.loaded import Loaded
from worker.pipelines.pixels import crop, is_picture, next_multiple, to_bytes
from worker.pipelines.request import Request
from worker.pipelines.samplers import scheduler
from worker.pipelines.sketches import Sketch, sketches
from worker.pipelines.watched import expected, watch

Look = Callable[[], list[Sketch]]
OnStep = Callable[[int, int, Look], None]

NO_NEGATIVE = " "  # where a negative prompt turns guidance on, this is none: Qwen-Image's own examples


def size(loaded: Loaded, requests: Sequence[Request]) -> tuple[int, int]:
    """Width and height that the model makes for them."""
    shared, multiple = requests[0].parameters, loaded.multiple
    return next_multiple(shared.width, multiple), next_multiple(shared.height, multiple)


def call(
    pipeline: Any, loaded: Loaded, requests: Sequence[Request], on_step: OnStep, **others: Any
) -> npt.NDArray[np.floating]:
    """Run the pipeline with what all kinds share, and with those of `others` that it takes.

    Returns count x height x width x 3, or count x frames x ..., in 0..1. `on_step(done, of, look)` is called after each
    denoising step, where `look()` makes sketches of what is to come; what it raises ends the call.

    Raises ContentRefused.
    """
    shared = requests[0].parameters
    takes = inspect.signature(pipeline.__call__).parameters
    width, height = size(loaded, requests)
    given = {
        "prompt": [request.prompt for request in requests],
        "width": width,
        "height": height,
        "num_inference_steps": shared.steps,
        "generator": [torch.Generator("cpu").manual_seed(request.seed) for request in requests],
        "output_type": "np",
        "use_resolution_binning": False,  # PixArt, Sana: else it makes another size and scales it
        **_guidance(loaded, requests, "true_cfg_scale" in takes),
        **others,
    }
    pipeline.scheduler = scheduler(shared.sampling_method, loaded.noise_schedule)

    def tell(done: int) -> None:
        steps = getattr(pipeline, "num_timesteps", shared.denoising_steps)
        on_step(done, steps, lambda: _looked(pipeline, loaded, requests))

    given |= _told(pipeline.scheduler, "callback_on_step_end" in takes, tell)
    made = pipeline(**{name: value for name, value in given.items() if name in takes})
    if any(getattr(made, "nsfw_content_detected", None) or ()):
        raise ContentRefused(loaded.model.id, "the safety checker found something")
    images: npt.NDArray[np.floating] = made.frames if hasattr(made, "frames") else made.images
    return images


def pictures(loaded: Loaded, images: npt.NDArray[np.floating], requests: Sequence[Request]) -> list[Picture]:
    """A picture for each request, of exactly its width and height. Raises BadPicture."""
    if not all(is_picture(image) for image in images):
        raise BadPicture(loaded.model.id, "is not a picture")
    shared = requests[0].parameters
    return [
        Picture(crop(picture, shared.width, shared.height), request.seed)
        for picture, request in zip(to_bytes(images), requests, strict=True)
    ]


def call_key(loaded: Loaded, request: Request) -> object:
    """The same for requests of one batch that one call can serve: where guidance is distilled, a negative prompt makes
    another computation of all that are in the call.
    """
    return bool(request.parameters.negative_prompt) and _distilled(loaded)


def _guidance(loaded: Loaded, requests: Sequence[Request], two_kinds: bool) -> dict[str, Any]:
    """Some models have guidance built in, and do the usual one beside it only for a negative prompt."""
    scale = requests[0].parameters.guidance_scale
    negative = [request.parameters.negative_prompt for request in requests]
    if not two_kinds:
        return {"guidance_scale": scale, "negative_prompt": negative}
    if _distilled(loaded) and not any(negative):
        return {"guidance_scale": scale}
    negative = [text or NO_NEGATIVE for text in negative]
    built_in = {"guidance_scale": 1.0} if _distilled(loaded) else {}
    return {"true_cfg_scale": scale, "negative_prompt": negative, **built_in}


def _distilled(loaded: Loaded) -> bool:
    return bool(getattr(getattr(loaded.denoiser, "config", None), "guidance_embeds", False))


def _looked(pipeline: Any, loaded: Loaded, requests: Sequence[Request]) -> list[Sketch]:
    if loaded.projection is None:
        return []
    latents = expected(pipeline.scheduler)
    return sketches(latents, loaded.projection, requests, size(loaded, requests), loaded.pixels)


def _told(scheduler: Any, has_callback: bool, tell: Callable[[int], None]) -> dict[str, Any]:
    """How to hear of each step: by the pipeline's callback or, where it has none, from its scheduler."""

    def after_step(_: Any, step: int, __: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        tell(step + 1)
        return kwargs

    if has_callback:
        watch(scheduler)
        return {"callback_on_step_end": after_step}
    made = count(1)
    watch(scheduler, lambda: tell(next(made)))
    return {}
