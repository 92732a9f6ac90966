"""Tiny models of all video families in one catalogue, and tasks for them."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

from shared.claims import Claim
from shared.generation import Kind
from shared.storage import LocalStorage
from tests.fakes.tiny_videos import FAMILIES, MOTION
from tests.orders import claim_of
from worker.clip import Clip
from worker.engine import Engine

T2V, I2V = Kind.TEXT_TO_VIDEO, Kind.IMAGE_TO_VIDEO
KINDS = {
    "wan": [T2V],
    "wan-i2v": [I2V],
    "wan-twice": [I2V],
    "wan-both": [T2V, I2V],
    "ltx": [T2V, I2V],
    "ltx-condition": [T2V, I2V],
    "cogvideox": [T2V],
    "cogvideox-i2v": [I2V],
    "animatediff": [T2V],
    "animatediff-first": [T2V, I2V],
}
CASES = [(name, kind) for name, kinds in KINDS.items() for kind in kinds]
METHODS = {
    "wan": ["UniPC", "DPM++ 2M", "Flow Euler"],
    "ltx": ["Flow Euler"],
    "cogvideox": ["DDIM"],
    "animatediff": ["DDIM", "DPM++ 2M", "DPM++ 2M Karras", "Euler", "Euler a", "UniPC", "LCM"],
}

ENTRY = """
[[models]]
id = "{name}"
source = "{source}"
kinds = {kinds}
dtype = "{dtype}"
width = {{ min = 16, max = 128, default = 32 }}
height = {{ min = 16, max = 128, default = 32 }}
multiple = 2
steps = {{ min = 1, max = 10, default = 2 }}
guidance_scale = {{ min = 0, max = 20, default = 4 }}
sampling_methods = {methods}
num_frames = {{ min = 1, max = 49, default = 5 }}
fps = {{ min = 1, max = 30, default = 8 }}
max_batch = 4
max_images = 2
"""


def methods(name: str) -> list[str]:
    """The sampling methods of a family."""
    return METHODS[name.partition("-")[0]]


def entry(name: str, source: str | None = None, dtype: str = "float32") -> str:
    """A family's model as the models file has it."""
    lists = {"kinds": [kind.value for kind in KINDS[name]], "methods": methods(name)}
    texts = {field: str(values).replace("'", '"') for field, values in lists.items()}
    written = ENTRY.format(name=name, source=source or name, dtype=dtype, **texts)
    return written + f'motion_adapter = "{source or name}/{MOTION}"\n' if name.startswith("animatediff") else written


def save_videos(folder: Path) -> None:
    """All of them, each in a folder of its name, with a models file."""
    for name, save in FAMILIES.items():
        save(folder / name)
    (folder / "models.toml").write_text("".join(entry(name) for name in FAMILIES))


def order(name: str, kind: Kind, prompt: str = "a red circle", images: int = 1, **parameters: Any) -> Claim:
    """A task for this family's model; from the red reference, if the kind takes one."""
    usual = {"num_frames": 5, "fps": 8, "width": 32, "height": 32, "sampling_method": methods(name)[0]}
    claim = claim_of(prompt, **{"model": name, **usual, **parameters})
    return replace(claim, kind=kind, images=("uploads/red.png",) * images if kind.takes_images else ())


def save_reference(storage: LocalStorage, name: str, image: Image.Image, format: str = "PNG", **options: Any) -> None:
    """So that tasks can have it."""
    file = io.BytesIO()
    image.save(file, format, **options)
    storage.save(f"uploads/{name}", file.getvalue())


def save_references(storage: LocalStorage) -> None:
    """A red one and a blue one."""
    for colour in ("red", "blue"):
        save_reference(storage, f"{colour}.png", Image.new("RGB", (50, 20), colour))


def quiet(step: int, steps: int, phase: str = "") -> None:
    """Nobody listens."""


def make(engine: Engine, *claims: Claim) -> list[Clip]:
    """The first clip of each task, made as one batch."""
    return [clips[0] for clips in engine.generate(claims, quiet)]  # type: ignore[misc]


def decoded(data: bytes) -> Iterator[npt.NDArray[np.uint8]]:
    """The frames of an MP4."""
    with av.open(io.BytesIO(data)) as file:
        for frame in file.decode(video=0):
            yield frame.to_ndarray(format="rgb24")
