"""The colours of latents, learnt from autoencoders of any kind."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL
from torch.nn.functional import avg_pool2d

from worker.demo_model import WEIGHTS
from worker.pipelines.projection import Projection, learn

COLOURS = {"red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1), "white": (1, 1, 1), "black": (0, 0, 0)}
MEAN, DEVIATION = [0.5, -1.0, 2.0], [2.0, 0.5, 3.0]
PIXELS = 4


class Shrinking(torch.nn.Module):
    """An autoencoder whose latents are colours, moved and stretched; of clips it has every other frame."""

    def __init__(self, dimensions: int, buffers: dict[str, list[float]], **config: Any) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones([1] * (2 + dimensions)))
        self.config = config
        for name, values in buffers.items():
            self.register_buffer(name, torch.tensor(values))

    def encode(self, pixels: torch.Tensor) -> Any:
        latent = pixels * torch.tensor(DEVIATION).view(1, 3, *[1] * (pixels.ndim - 2))
        latent = latent + torch.tensor(MEAN).view(1, 3, *[1] * (pixels.ndim - 2))
        if pixels.ndim == 4:
            latent = avg_pool2d(latent, PIXELS)
        else:
            latent = torch.stack([avg_pool2d(frame, PIXELS) for frame in latent[:, :, ::2].unbind(2)], dim=2)
        return SimpleNamespace(latent_dist=SimpleNamespace(mode=lambda: latent))


@dataclass(frozen=True)
class Case:
    """How a family describes its latents, and what its pipelines then make of one with these numbers."""

    vae: Shrinking
    seen: Any


STATISTICS = {"latents_mean": MEAN, "latents_std": DEVIATION}
CASES = {
    "nothing": Case(Shrinking(2, {}), lambda z: z),
    "scaled": Case(Shrinking(2, {}, scaling_factor=0.18), lambda z: z * 0.18),
    "scaled and shifted": Case(Shrinking(2, {}, scaling_factor=0.3, shift_factor=0.1), lambda z: (z - 0.1) * 0.3),
    "by channel": Case(Shrinking(3, {}, **STATISTICS), lambda z: (z - np.array(MEAN)) / np.array(DEVIATION)),
    "in buffers": Case(
        Shrinking(3, STATISTICS, scaling_factor=2.0), lambda z: (z - np.array(MEAN)) * 2 / np.array(DEVIATION)
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_latents_are_read_as_their_family_scales_them(case: Case) -> None:
    colours = np.array(list(COLOURS.values()), dtype=float)
    latents = case.seen((colours * 2 - 1) * np.array(DEVIATION) + np.array(MEAN))

    found = learn(case.vae, PIXELS, frames=5)

    assert found is not None
    assert np.abs(found.picture(latents.T[:, :, None])[:, 0] - colours * 255).max() <= 8


@pytest.fixture(scope="module")
def built_in() -> tuple[AutoencoderKL, Projection]:
    vae = AutoencoderKL.from_pretrained(WEIGHTS / "vae")
    found = learn(vae, 8, frames=1)
    assert found is not None
    return vae, found


@pytest.mark.parametrize("name", COLOURS)
def test_the_built_in_models_latents_have_their_colours(built_in: tuple[AutoencoderKL, Projection], name: str) -> None:
    vae, projection = built_in
    colour = np.array(COLOURS[name])
    plain = torch.tensor(colour * 2.0 - 1).float().view(1, 3, 1, 1).expand(1, 3, 128, 128)
    with torch.no_grad():
        latent = vae.encode(plain).latent_dist.mode()[0] * vae.config.scaling_factor

    shown = projection.picture(latent.numpy()).mean(axis=(0, 1))

    assert ((shown > 128) == (colour > 0.5)).all()


def test_an_autoencoder_that_makes_no_numbers_teaches_nothing() -> None:
    assert learn(Shrinking(2, {}, scaling_factor=float("nan")), PIXELS, frames=1) is None


def test_broken_numbers_are_black_and_raise_nothing() -> None:
    projection = Projection(3, np.zeros(6), np.ones(6), np.ones((7, 4)), np.ones((11, 3)))

    assert projection.picture(np.full((3, 2, 2), np.nan)).max() == 0
