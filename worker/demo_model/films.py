"""The clips that the moving part learns from, painted and encoded once: their latents and their layouts."""

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLLTXVideo

from worker.demo_model import PICTURE_SIZE
from worker.demo_model.film_autoencoder import as_film, encode_film
from worker.demo_model.gallery import painted_once
from worker.demo_model.layouts import CELL, layout
from worker.demo_model.motions import FRAMES, Clip, random_clip

CLIPS = 10_000
BEGINNINGS = 30_000
ENCODED_AT_ONCE = 8
# Frames and pixels to a latent, in time and along each side: a cell of the layout is a latent.
FOLD = (4, CELL, CELL)


@dataclass(frozen=True)
class Films:
    """Clips of one length.

    `latents`: count x 48 x latent frames x 8 x 8, in half precision. `layouts`: count x 1 x latent frames x 8 x 8, how
    much of each cell the object covers, in parts of 255; halfway through the four frames of a latent.
    """

    clips: list[Clip]
    latents: torch.Tensor
    layouts: torch.Tensor


def open_films(vae: AutoencoderKLLTXVideo, seed: int, folder: Path) -> tuple[Films, Films]:
    """Whole clips, and first frames of others; paints and encodes what the folder does not hold yet."""
    return (
        _films(vae, CLIPS, FRAMES + 1, f"{seed} films", folder / "films.pt"),
        _films(vae, BEGINNINGS, 1, f"{seed} beginnings", folder / "beginnings.pt"),
    )


def _films(vae: AutoencoderKLLTXVideo, count: int, frames: int, seed: str, path: Path) -> Films:
    def encoded(clips: list[Clip]) -> torch.Tensor:
        return encode_film(vae, as_film(np.stack([clip.frames(FRAMES + 1, shown=frames) for clip in clips])))

    rng = random.Random(seed)
    clips = [random_clip(rng) for _ in range(count)]
    title = f"{count} clips of {frames} frames"
    kept = painted_once(path, title, clips, ENCODED_AT_ONCE, encoded, lambda clip: _layouts(clip, frames))
    return Films(clips, *kept)


def _layouts(clip: Clip, frames: int) -> np.ndarray:
    """1 x latent frames x rows x columns."""
    middles = [0.0, *((frame + FOLD[0] / 2) / FRAMES for frame in range(0, frames - 1, FOLD[0]))]
    return np.stack([layout(clip.at(time), (PICTURE_SIZE, PICTURE_SIZE))[0] for time in middles])[None]
