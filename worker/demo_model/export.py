"""Writing the trained networks as folders that the diffusers library loads by itself."""

import json
import os
import shutil
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    MotionAdapter,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextModel, CLIPTokenizer

from worker.demo_model import MOTION

READABLE = 0o644
# What the libraries write down of where a part was loaded from.
TRACES = ("_name_or_path", "is_local", "local_files_only")


def export(
    folder: Path,
    vae: AutoencoderKL,
    reader: CLIPTextModel,
    tokenizer: CLIPTokenizer,
    denoiser: UNet2DConditionModel,
    scheduler: DDIMScheduler,
    motion: MotionAdapter | None = None,
) -> None:
    """A pipeline of stills and, beside its parts, the motion adapter that makes one of clips of it.

    Stores half precision, which halves the folder and cannot be seen in a picture.
    """
    pipeline = StableDiffusionPipeline(
        vae=vae,
        text_encoder=reader,
        tokenizer=tokenizer,
        unet=denoiser,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    tokenizer.backend_tokenizer.no_padding()  # it remembers how it was used last
    tokenizer.backend_tokenizer.no_truncation()
    pipeline.to(torch.float16).save_pretrained(fresh)
    if motion is not None:
        motion.to(torch.float16).save_pretrained(fresh / MOTION)
    _clear_traces(fresh)
    _put_in_place(fresh, folder)


def _clear_traces(folder: Path) -> None:
    for path in folder.rglob("*config.json"):
        known = json.loads(path.read_text())
        path.write_text(
            json.dumps({name: value for name, value in known.items() if name not in TRACES}, indent=2) + "\n"
        )


def _put_in_place(fresh: Path, folder: Path) -> None:
    """File by file, so that a reader never finds the folder missing."""
    for path in sorted(fresh.rglob("*")):
        target = folder / path.relative_to(fresh)
        if path.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            path.chmod(READABLE)
            os.replace(path, target)
    shutil.rmtree(fresh)
