"""The built-in model, loaded once for all its tests."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image
from transformers import CLIPTokenizer

from worker.demo_model import PICTURE_SIZE, WEIGHTS
from worker.demo_model.autoencoder import LATENT_CHANNELS
from worker.demo_model.clips import Reel
from worker.demo_model.evaluate import GUIDANCE, STEPS, load
from worker.demo_model.gallery import MAIN, PICTURES, Gallery, Wall
from worker.demo_model.motions import FRAMES, random_clip
from worker.demo_model.scenes import random_scene
from worker.demo_model.tokens import new_tokenizer

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


@pytest.fixture
def painted() -> tuple[Gallery, Reel]:
    """A few stills of each size and a few clips, of noise."""
    rng = random.Random(1)  # noqa: S311 - it draws scenes
    gallery = {}
    for width, height in PICTURES:
        count = 40 if (width, height) == MAIN else 3
        latents = torch.randn(count, LATENT_CHANNELS, height // 8, width // 8).half()
        layouts = torch.zeros(count, 3, height // 16, width // 16, dtype=torch.uint8)
        gallery[width, height] = Wall([random_scene(rng) for _ in range(count)], latents, layouts)
    clips = torch.randn(3, FRAMES, LATENT_CHANNELS, 16, 16).half()
    layouts = torch.zeros(3, FRAMES, 1, 8, 8, dtype=torch.uint8)
    return gallery, Reel([random_clip(rng) for _ in range(3)], clips, layouts)


@pytest.fixture
def tokenizer(tmp_path: Path) -> CLIPTokenizer:
    """As the pipelines load it."""
    new_tokenizer().save_pretrained(tmp_path / "known")
    return CLIPTokenizer.from_pretrained(tmp_path / "known")
