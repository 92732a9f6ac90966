"""The clips that the moving part learns from, painted and encoded once: their latents and their layouts."""

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLLTXVideo

from worker.demo_model import PICTURE_SIZE
from worker.demo_model.film_autoencoder import as_film, encode_film
from worker.demo_model.layouts import layout
from worker.demo_model.motions import FRAMES, Clip, random_clip
from worker.demo_model.pace import load_checkpoint, save_checkpoint

CLIPS = 10_000
BEGINNINGS = 30_000
ENCODED_AT_ONCE = 8
# Frames and pixels to a latent, in time and along each side.
FOLD = (4, 16, 16)


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
    rng = random.Random(seed)
    clips = [random_clip(rng) for _ in range(count)]
    state = load_checkpoint(path)
    if state is None:
        print(f"painting {count} clips of {frames} frames", flush=True)
        layouts = torch.from_numpy(np.stack([_layouts(clip, frames) for clip in clips]))
        state = {"latents": _encoded(vae, clips, frames), "layouts": layouts}
        save_checkpoint(path, state)
    return Films(clips, state["latents"], state["layouts"])


def _encoded(vae: AutoencoderKLLTXVideo, clips: list[Clip], frames: int) -> torch.Tensor:
    parts = []
    for start in range(0, len(clips), ENCODED_AT_ONCE):
        pixels = np.stack([clip.frames(FRAMES + 1, shown=frames) for clip in clips[start : start + ENCODED_AT_ONCE]])
        with torch.autocast("cpu", torch.bfloat16):
            parts.append(encode_film(vae, as_film(pixels)).half())
    return torch.cat(parts)


def _layouts(clip: Clip, frames: int) -> np.ndarray:
    """1 x latent frames x rows x columns."""
    middles = [0.0, *((frame + FOLD[0] / 2) / FRAMES for frame in range(0, frames - 1, FOLD[0]))]
    return np.stack([layout(clip.at(time), (PICTURE_SIZE, PICTURE_SIZE))[0] for time in middles])[None]
