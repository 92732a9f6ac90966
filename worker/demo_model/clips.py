"""The clips that the motion modules learn from, painted and encoded once: their latents and their layouts."""

import random
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL

from worker.demo_model import PICTURE_SIZE
from worker.demo_model.autoencoder import as_tensor, encode
from worker.demo_model.gallery import painted_once
from worker.demo_model.layouts import layout
from worker.demo_model.motions import FRAMES, Clip, random_clip

CLIPS = 4_000
# How often a clip of such a motion is shown, against others: turns show in the fine parts, which are learnt last.
WEIGHTS_OF_MOTIONS = {"rotate": 5.0}
ENCODED_AT_ONCE = 4


@dataclass(frozen=True)
class Reel:
    """All clips.

    `latents`: count x 16 frames x 8 x 16 x 16, in half precision. `layouts`: count x 16 x 1 x 8 x 8, how much of each
    cell the object covers, in parts of 255. `weights`: how often each clip is shown, against the others.
    """

    clips: list[Clip]
    latents: torch.Tensor
    layouts: torch.Tensor

    @cached_property
    def weights(self) -> list[float]:
        return [WEIGHTS_OF_MOTIONS.get(clip.motion, 1.0) for clip in self.clips]


def open_reel(vae: AutoencoderKL, seed: int, folder: Path) -> Reel:
    """Paints and encodes what the folder does not hold yet."""

    def encoded(clips: list[Clip]) -> torch.Tensor:
        pictures = as_tensor(np.concatenate([clip.frames() for clip in clips]))
        latents = encode(vae, pictures)
        return latents.view(len(clips), FRAMES, *latents.shape[1:])

    rng = random.Random(f"{seed} clips")
    clips = [random_clip(rng) for _ in range(CLIPS)]
    kept = painted_once(folder / "clips.pt", "painting clips", "clips", clips, ENCODED_AT_ONCE, encoded, _layouts)
    return Reel(clips, *kept)


def _layouts(clip: Clip) -> np.ndarray:
    """Frames x 1 x rows x columns."""
    scenes = [clip.at(frame / (FRAMES - 1)) for frame in range(FRAMES)]
    return np.stack([layout(scene, (PICTURE_SIZE, PICTURE_SIZE))[:1] for scene in scenes])
