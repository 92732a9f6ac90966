"""Image to image: the same for pictures that start from a reference, noised as far as their strength says."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from diffusers import AutoPipelineForImage2Image

from worker.media import Picture
from worker.pipelines.loaded import Loaded
from worker.pipelines.pixels import cover, crop, next_multiple, to_bytes
from worker.pipelines.request import Request
from worker.pipelines.samplers import scheduler


def run(loaded: Loaded, requests: Sequence[Request], on_step: Callable[[int], None]) -> list[Picture]:
    """A picture for each request, of exactly its width and height.

    `on_step(done)` is called after each denoising step; what it raises ends the call.
    """
    shared = requests[0].parameters
    width, height = (next_multiple(size, loaded.model.multiple) for size in (shared.width, shared.height))

    def after_step(_: Any, step: int, __: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        on_step(step + 1)
        return kwargs

    pipeline = loaded.variant(AutoPipelineForImage2Image)
    pipeline.scheduler = scheduler(shared.sampling_method, loaded.noise_schedule)
    images = pipeline(
        prompt=[request.prompt for request in requests],
        negative_prompt=[request.parameters.negative_prompt for request in requests],
        image=[cover(request.images[0], width, height) for request in requests],
        strength=max(shared.strength or 0, 1 / shared.steps),
        num_inference_steps=shared.steps,
        guidance_scale=shared.guidance_scale,
        generator=[torch.Generator("cpu").manual_seed(request.seed) for request in requests],
        output_type="np",
        callback_on_step_end=after_step,
    ).images
    return [
        Picture(crop(picture, shared.width, shared.height), request.seed)
        for picture, request in zip(to_bytes(images), requests, strict=True)
    ]
