"""How a model's latents look, roughly: a projection to red, green and blue that is learnt from its own autoencoder.

A few made-up pictures are encoded, and least squares find what their latents say of their colours. One rule for every
family, where tables of such factors (ComfyUI's latent_formats.py, InvokeAI) know only the families of their day.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from worker.pipelines.pixels import Pixels, to_bytes

CELLS = 12  # latents in a row of a made-up picture
LARGEST = 256  # pixels in a row of one, if that is less
PATCHES = (2, 3, 4, 5)  # patches of one colour in a row: two pictures of each
BENDS = 64  # a purely linear projection takes the built-in model's red for green
RIDGE = 1e-3  # keeps weights small where channels say the same

Numbers = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Projection:
    """What is known of a latent, by its channels and those around it: centred, scaled, bent at random, and weighted."""

    channels: int
    mean: Numbers
    deviation: Numbers
    bends: Numbers
    weights: Numbers

    def picture(self, latent: Numbers) -> Pixels:
        """Height x width x 3, a pixel for each of the channels x height x width numbers."""
        known = _known((_seen(latent[None]) - self.mean) / self.deviation, self.bends)
        colours = np.nan_to_num(known @ self.weights).clip(0, 1)
        return to_bytes(colours).reshape(*latent.shape[1:], 3)


@torch.no_grad()
def learn(vae: Any, pixels: int, frames: int) -> Projection | None:
    """The projection of this autoencoder, one of whose latents stands for `pixels` of a side.

    One for clips is shown still ones of so many frames. None where it makes no numbers of pictures. Raises whatever
    autoencoders raise that work otherwise.
    """
    latents, colours = _encoded(vae, _pictures(min(CELLS * pixels, LARGEST)), frames)
    if not np.isfinite(latents).all():
        return None
    seen = _seen(latents)
    mean, deviation = seen.mean(axis=0), seen.std(axis=0) + RIDGE
    bends = np.random.default_rng(0).normal(size=(seen.shape[1] + 1, BENDS)) / np.sqrt(seen.shape[1])
    known = _known((seen - mean) / deviation, bends)
    gram = known.T @ known + RIDGE * len(known) * np.eye(known.shape[1])
    return Projection(latents.shape[1], mean, deviation, bends, np.linalg.solve(gram, known.T @ colours))


def _seen(latents: Numbers) -> Numbers:
    """Samples x twice the channels, of count x channels x height x width: each latent, and the mean around it."""
    height, width = latents.shape[-2:]
    wider = np.pad(latents, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    around = sum(wider[..., y : y + height, x : x + width] for y in range(3) for x in range(3)) / 9
    both = np.concatenate([latents, around], axis=1)
    return np.moveaxis(both, 1, -1).reshape(-1, both.shape[1])


def _known(seen: Numbers, bends: Numbers) -> Numbers:
    """That, how far it lies beyond each bend, and one."""
    beyond = np.maximum(seen @ bends[:-1] + bends[-1], 0)
    return np.hstack([seen, beyond, np.ones((len(seen), 1))])


def _pictures(side: int) -> torch.Tensor:
    """Count x 3 x side x side in 0..1: patches of any colours, and of the strongest, which are rare among them."""
    chance = torch.Generator("cpu").manual_seed(0)
    any_colours = [torch.rand(1, 3, patches, patches, generator=chance) for patches in PATCHES]
    strongest = [torch.rand(1, 3, patches, patches, generator=chance).round() for patches in PATCHES]
    return torch.cat([interpolate(colours, size=(side, side)) for colours in (*any_colours, *strongest)])


def _encoded(vae: Any, pictures: torch.Tensor, frames: int) -> tuple[Numbers, Numbers]:
    """Count x channels x height x width of latents, and samples x 3 of the colours that they stand for."""
    weights = next(vae.parameters())
    pixels = (pictures * 2 - 1).to(weights.device, weights.dtype)
    if any(weights.ndim == 5 for weights in vae.parameters()):
        pixels = pixels.unsqueeze(2).repeat(1, 1, frames, 1, 1)
    encoded = vae.encode(pixels)
    latents = encoded.latent_dist.mode() if hasattr(encoded, "latent_dist") else encoded.latent
    latents = _as_networks_see_it(vae, latents.double().cpu())
    height, width = latents.shape[-2:]
    colours = adaptive_avg_pool2d(pictures, (height, width)).movedim(1, -1)
    if latents.ndim == 5:
        colours = colours.repeat_interleave(latents.shape[2], dim=0)
        latents = latents.transpose(1, 2).flatten(end_dim=1)
    return latents.numpy(), colours.reshape(-1, 3).double().numpy()


def _as_networks_see_it(vae: Any, latents: torch.Tensor) -> torch.Tensor:
    """Shifted and scaled as diffusers' pipelines do before they denoise; what an autoencoder lacks is neutral."""
    known = {**vae.config, **dict(vae.named_buffers())}

    def of_channels(name: str, otherwise: float) -> torch.Tensor:
        found = known.get(name)
        numbers = torch.as_tensor(otherwise if found is None else found).double().cpu()
        return numbers.reshape(-1, *[1] * (latents.ndim - 2))

    mean = of_channels("latents_mean", known.get("shift_factor") or 0)
    return (latents - mean) * (known.get("scaling_factor") or 1) / of_channels("latents_std", 1)
