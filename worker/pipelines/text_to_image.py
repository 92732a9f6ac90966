"""Text to image: one pipeline call for pictures that share size, steps, sampler and guidance."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from worker.media import Picture
from worker.pipelines.loaded import Loaded
from worker.pipelines.request import Request
from worker.pipelines.samplers import scheduler


def run(loaded: Loaded, requests: Sequence[Request], on_step: Callable[[int], None]) -> list[Picture]:
    """A picture for each request, of exactly its width and height.

    `on_step(done)` is called after each denoising step; what it raises ends the call.
    """
    shared = requests[0].parameters

    def after_step(_: Any, step: int, __: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        on_step(step + 1)
        return kwargs

    loaded.pipeline.scheduler = scheduler(shared.sampling_method, loaded.noise_schedule)
    images = loaded.pipeline(
        prompt=[request.prompt for request in requests],
        negative_prompt=[request.parameters.negative_prompt for request in requests],
        width=_next_multiple(shared.width, loaded.model.multiple),
        height=_next_multiple(shared.height, loaded.model.multiple),
        num_inference_steps=shared.steps,
        guidance_scale=shared.guidance_scale,
        generator=[torch.Generator("cpu").manual_seed(request.seed) for request in requests],
        output_type="np",
        callback_on_step_end=after_step,
    ).images
    pixels = (images * 255).round().astype(np.uint8)
    return [
        Picture(_crop(picture, shared.width, shared.height), request.seed)
        for picture, request in zip(pixels, requests, strict=True)
    ]


def _next_multiple(size: int, multiple: int) -> int:
    return -(-size // multiple) * multiple


def _crop(pixels: npt.NDArray[np.uint8], width: int, height: int) -> npt.NDArray[np.uint8]:
    """The middle, height x width."""
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return np.ascontiguousarray(pixels[top : top + height, left : left + width])
