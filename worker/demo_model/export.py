"""Writing the trained networks as folders that the diffusers library loads by itself."""

import os
import shutil
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLLTXVideo,
    DDIMScheduler,
    DiffusionPipeline,
    FlowMatchEulerDiscreteScheduler,
    LTXPipeline,
    LTXVideoTransformer3DModel,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextModel, CLIPTokenizer, T5EncoderModel

READABLE = 0o644


def export(
    folder: Path,
    vae: AutoencoderKL,
    reader: CLIPTextModel,
    tokenizer: CLIPTokenizer,
    denoiser: UNet2DConditionModel,
    scheduler: DDIMScheduler,
) -> None:
    """The model of stills."""
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
    _write(pipeline, folder)


def export_film(
    folder: Path,
    vae: AutoencoderKLLTXVideo,
    reader: T5EncoderModel,
    tokenizer: CLIPTokenizer,
    transformer: LTXVideoTransformer3DModel,
    scheduler: FlowMatchEulerDiscreteScheduler,
) -> None:
    """The model of clips; the one set of weights begins them with a given picture, too."""
    pipeline = LTXPipeline(
        vae=vae, text_encoder=reader, tokenizer=tokenizer, transformer=transformer, scheduler=scheduler
    )
    _write(pipeline, folder)


def _write(pipeline: DiffusionPipeline, folder: Path) -> None:
    """Stores half precision, which halves the folder and cannot be seen in a picture."""
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    pipeline.to(torch.float16).save_pretrained(fresh)
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
