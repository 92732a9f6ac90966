"""Text to image: one pipeline call for pictures that share size, steps, sampler and guidance."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from worker.media import Picture
from worker.pipelines.loaded import Loaded
from worker.pipelines.pixels import crop, next_multiple, to_bytes
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
        width=next_multiple(shared.width, loaded.model.multiple),
        height=next_multiple(shared.height, loaded.model.multiple),
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
