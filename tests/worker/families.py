"""Tiny models of all families in one catalogue, and tasks for them."""

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from structlog.testing import capture_logs

from shared.catalog import Catalog
from shared.claims import Claim
from shared.generation import Kind
from shared.storage import LocalStorage
from tests.fakes.tiny_families import FAMILIES
from tests.orders import claim_of
from worker.engine import Engine
from worker.media import Picture

OF_DIFFUSION = ("DDIM", "DPM++ 2M", "DPM++ 2M Karras", "Euler", "Euler a", "UniPC", "LCM")
OF_FLOWS = ("Flow Euler",)
METHODS = {name: OF_DIFFUSION if name in {"sd15", "sdxl"} else OF_FLOWS for name in FAMILIES}
TOLERANCE = 1  # of 255: a batched picture and the solo one

ENTRY = """
[[models]]
id = "{id}"
source = "{source}"
kinds = ["t2i", "i2i"]
dtype = "{dtype}"
width = {{ min = 16, max = 128, default = 64 }}
height = {{ min = 16, max = 128, default = 64 }}
steps = {{ min = 1, max = 10, default = 2 }}
guidance_scale = {{ min = 0, max = 20, default = 4 }}
sampling_methods = {methods}
max_batch = 4
{others}
"""


def entry(name: str, source: str | None = None, id: str | None = None, dtype: str = "float32", others: str = "") -> str:
    """A family's model as the models file has it."""
    methods = str(list(METHODS.get(name, OF_DIFFUSION))).replace("'", '"')
    return ENTRY.format(id=id or name, source=source or name, dtype=dtype, methods=methods, others=others)


def save_families(folder: Path) -> None:
    """All of them, each in a folder of its name, with a models file."""
    for name, save in FAMILIES.items():
        save(folder / name)
    (folder / "models.toml").write_text("".join(entry(name) for name in FAMILIES))


def order(name: str, prompt: str = "a red circle", **parameters: Any) -> Claim:
    """A task for this family's model."""
    return claim_of(prompt, **{"model": name, "sampling_method": METHODS[name][0], **parameters})


def from_picture(claim: Claim, colour: str, storage: LocalStorage, **parameters: Any) -> Claim:
    """The same task with a reference of one colour."""
    file = io.BytesIO()
    Image.new("RGB", (50, 20), colour).save(file, "PNG")
    storage.save(f"uploads/{colour}.png", file.getvalue())
    chosen = replace(claim.parameters, **{"strength": 0.8, "steps": 4, **parameters})
    return replace(claim, kind=Kind.IMAGE_TO_IMAGE, images=(f"uploads/{colour}.png",), parameters=chosen)


def quiet(step: int, steps: int, phase: str = "") -> None:
    """Nobody listens."""


def told_at_the_start(models_file: Path) -> list[tuple[str, str]]:
    """The models whose entries an engine finds to promise too much, each with what it says of them."""
    with capture_logs() as logs:
        Engine(Catalog.read(models_file), LocalStorage(models_file.parent), "cpu")
    return [(log["model"], log["problem"]) for log in logs if log["event"] == "model_misdescribed"]


def make(engine: Engine, *claims: Claim) -> list[Picture]:
    """The first picture of each task, made as one batch."""
    return [pictures[0] for pictures in engine.generate(claims, quiet)]


def difference(one: Picture, other: Picture) -> int:
    """The largest one of any colour of any pixel, of 255."""
    return int(np.abs(one.pixels.astype(int) - other.pixels).max())


def alone(engine: Engine, claims: Sequence[Claim]) -> list[Picture]:
    """The same, each in a batch of its own."""
    return [make(engine, claim)[0] for claim in claims]
