"""The pictures that the denoiser learns from, painted and encoded once: their latents and their layouts."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from diffusers import AutoencoderKL

from worker.demo_model.autoencoder import as_tensor, encode
from worker.demo_model.layouts import layout
from worker.demo_model.pace import bar, load_checkpoint, save_checkpoint
from worker.demo_model.painting import paint
from worker.demo_model.scenes import Scene, random_scene

Size = tuple[int, int]
T = TypeVar("T")

MAIN = (128, 128)
# Pictures of each size, width first.
PICTURES: dict[Size, int] = {
    MAIN: 32_000,
    (96, 96): 1_500,
    (160, 160): 1_500,
    (128, 96): 1_500,
    (96, 128): 1_500,
    (160, 128): 1_000,
    (128, 160): 1_000,
    (192, 128): 750,
    (128, 192): 750,
}
ENCODED_AT_ONCE = 48


@dataclass(frozen=True)
class Wall:
    """All pictures of one size.

    `latents`: count x 8 x height / 8 x width / 8, in half precision. `layouts`: count x 3 x height / 16 x width / 16,
    how much of each cell the first, second and third object cover, in parts of 255.
    """

    scenes: list[Scene]
    latents: torch.Tensor
    layouts: torch.Tensor


Gallery = dict[Size, Wall]


def open_gallery(vae: AutoencoderKL, seed: int, folder: Path) -> Gallery:
    """Paints and encodes what the folder does not hold yet, a file for each size."""
    return {size: _wall(vae, size, seed, folder / f"gallery-{size[0]}x{size[1]}.pt") for size in PICTURES}


def gallery_scenes(size: Size, seed: int) -> list[Scene]:
    rng = random.Random(f"{seed} gallery {size}")
    return [random_scene(rng) for _ in range(PICTURES[size])]


def painted_once(
    path: Path,
    title: str,
    unit: str,
    things: list[T],
    at_once: int,
    encode: Callable[[list[T]], torch.Tensor],
    layout: Callable[[T], np.ndarray],
) -> tuple[torch.Tensor, torch.Tensor]:
    """The latents, in half precision, and the layouts of all things, from the file if it is there.

    `encode` paints up to so many things `at_once` and encodes them.
    """
    state = load_checkpoint(path)
    if state is None:
        parts = []
        painted = bar(title, len(things), unit)
        for start in range(0, len(things), at_once):
            parts.append(encode(things[start : start + at_once]).half().cpu().contiguous())
            painted.update(len(parts[-1]))
        painted.close()
        layouts = torch.from_numpy(np.stack([layout(thing) for thing in things]))
        state = {"latents": torch.cat(parts), "layouts": layouts}
        save_checkpoint(path, state)
    return state["latents"], state["layouts"]


def _wall(vae: AutoencoderKL, size: Size, seed: int, path: Path) -> Wall:
    def encoded(scenes: list[Scene]) -> torch.Tensor:
        return encode(vae, as_tensor(np.stack([np.asarray(paint(scene, *size)) for scene in scenes])))

    scenes = gallery_scenes(size, seed)
    title = f"painting {size[0]}x{size[1]}"
    kept = painted_once(path, title, "pictures", scenes, ENCODED_AT_ONCE, encoded, lambda scene: layout(scene, size))
    return Wall(scenes, *kept)
