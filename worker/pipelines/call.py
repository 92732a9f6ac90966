"""What a pipeline is given for pictures that share size, steps, sampler and guidance, and what its answer becomes."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from worker.media import Picture
from worker.pipelines.loaded import Loaded
from worker.pipelines.pixels import crop, next_multiple, to_bytes
from worker.pipelines.request import Request
from worker.pipelines.samplers import scheduler

OnStep = Callable[[int], None]


def size(loaded: Loaded, requests: Sequence[Request]) -> tuple[int, int]:
    """Width and height that the model makes for them."""
    shared, multiple = requests[0].parameters, loaded.model.multiple
    return next_multiple(shared.width, multiple), next_multiple(shared.height, multiple)


def call(
    pipeline: Any, loaded: Loaded, requests: Sequence[Request], on_step: OnStep, **others: Any
) -> npt.NDArray[np.floating]:
    """Run the pipeline with what all kinds share, and `others`; count x height x width x 3, in 0..1.

    `on_step(done)` is called after each denoising step; what it raises ends the call.
    """
    shared = requests[0].parameters

    def after_step(_: Any, step: int, __: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        on_step(step + 1)
        return kwargs

    pipeline.scheduler = scheduler(shared.sampling_method, loaded.noise_schedule)
    images: npt.NDArray[np.floating] = pipeline(
        prompt=[request.prompt for request in requests],
        negative_prompt=[request.parameters.negative_prompt for request in requests],
        num_inference_steps=shared.steps,
        guidance_scale=shared.guidance_scale,
        generator=[torch.Generator("cpu").manual_seed(request.seed) for request in requests],
        output_type="np",
        callback_on_step_end=after_step,
        **others,
    ).images
    return images


def pictures(images: npt.NDArray[np.floating], requests: Sequence[Request]) -> list[Picture]:
    """A picture for each request, of exactly its width and height."""
    shared = requests[0].parameters
    return [
        Picture(crop(picture, shared.width, shared.height), request.seed)
        for picture, request in zip(to_bytes(images), requests, strict=True)
    ]
