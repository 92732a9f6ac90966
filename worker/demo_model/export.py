"""Writing the trained networks as folders that the diffusers library loads by itself."""

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


def export(
    folder: Path,
    vae: AutoencoderKL,
    reader: CLIPTextModel,
    tokenizer: CLIPTokenizer,
    denoiser: UNet2DConditionModel,
    scheduler: DDIMScheduler,
    motion: MotionAdapter,
) -> None:
    """A pipeline of stills, and beside its parts the motion adapter that makes one of clips of it.

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
    pipeline.to(torch.float16).save_pretrained(fresh)
    motion.to(torch.float16).save_pretrained(fresh / MOTION)
    _put_in_place(fresh, folder)


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
