"""The built-in model, loaded once for all its tests."""

from collections.abc import Callable

import pytest
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image

from worker.demo_model import PICTURE_SIZE, WEIGHTS
from worker.demo_model.evaluate import GUIDANCE, STEPS, load

Draw = Callable[..., Image.Image]


@pytest.fixture(scope="session")
def pipeline() -> StableDiffusionPipeline:
    return load(WEIGHTS)


@pytest.fixture(scope="session")
def draw(pipeline: StableDiffusionPipeline) -> Draw:
    """Draws a prompt with the settings that the model card recommends."""

    def run(prompt: str, seed: int = 1, side: int = PICTURE_SIZE, steps: int = STEPS) -> Image.Image:
        picture: Image.Image = pipeline(
            prompt,
            height=side,
            width=side,
            num_inference_steps=steps,
            guidance_scale=GUIDANCE,
            generator=torch.Generator().manual_seed(seed),
        ).images[0]
        return picture

    return run
