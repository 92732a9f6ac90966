"""A model's files: where they are, which ones they are, and loading them."""

import hashlib
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers import AnimateDiffPipeline, DiffusionPipeline, MotionAdapter
from diffusers.utils import logging as diffusers_logging
from transformers.utils import logging as transformers_logging

from shared.catalog import Model
from shared.kinds import ANIMATED, FOR_BOTH, described

PIECES = 64
PIECE_BYTES = 1 << 16
LIBRARIES = {"diffusers": diffusers, "transformers": transformers}
WEIGHTS = ("*.safetensors", "*.bin")


def read(model: Model, source: str, dtype: torch.dtype) -> Any:
    """The pipeline, on the CPU. Raises what diffusers does for files that are missing or broken."""
    _quiet()
    options: dict[str, Any] = {"dtype": dtype}
    loader: Any = getattr(diffusers, model.pipeline) if model.single_file and model.pipeline else DiffusionPipeline
    if model.motion_adapter:
        loader = AnimateDiffPipeline
        options |= {"motion_adapter": MotionAdapter.from_pretrained(model.motion_adapter, dtype=dtype)}
    elif not model.safety_checker:
        options |= {"safety_checker": None, "requires_safety_checker": False}
    if model.single_file:
        pipeline = loader.from_single_file(source, **_beside(model, dtype), **options)
    else:
        pipeline = loader.from_pretrained(source, **options)
    if model.motion_adapter:
        _settle(pipeline)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _settle(pipeline: AnimateDiffPipeline) -> None:
    """The motion modules lie between the U-Net's layers now, so that the adapter is a second copy of them."""
    learnt = FOR_BOTH[ANIMATED]
    pipeline.unet.register_to_config(**{learnt: pipeline.motion_adapter.config.get(learnt)})
    pipeline.register_modules(motion_adapter=None)


def _beside(model: Model, dtype: torch.dtype) -> dict[str, Any]:
    """What a single file does not hold: its configuration, and the parts whose weights lie in that folder."""
    if model.config is None:
        return {}
    folder = Path(model.config)
    parts: dict[str, Any] = {}
    for name, kind in described(folder / "model_index.json").items():
        library = LIBRARIES.get(kind[0]) if isinstance(kind, list) else None
        if library and any((folder / name).glob("*.safetensors")):
            parts[name] = getattr(library, kind[1]).from_pretrained(folder / name, dtype=dtype)
    return {"config": model.config, "local_files_only": True, **parts}


def located(model: Model) -> str:
    """Where the model's files are; what is on the hub only is downloaded. Raises OSError."""
    if Path(model.source).exists():
        return model.source
    return str(DiffusionPipeline.download(model.source, revision=model.revision))


def fingerprint(model: Model, source: str) -> str:
    """The same for the same weights: a hash of their files' names, sizes and pieces, from the first bytes to the last.

    Whole files would take longer than a picture. Between two pieces of a large one lies a sixty-fourth of it: weights
    that differ in so small a part only may have the same fingerprint; training, which changes layers as a whole, and
    nearly always all of them, makes another one.
    """
    digest = hashlib.sha256()
    for path in _files(model, source):
        size = path.stat().st_size
        digest.update(f"{path.name}:{size}\n".encode())
        with path.open("rb") as file:
            for number in range(PIECES):
                file.seek(max(0, size - PIECE_BYTES) * number // (PIECES - 1))
                digest.update(file.read(PIECE_BYTES))
    return digest.hexdigest()


def bytes_on_disk(model: Model, source: str) -> int:
    """About what the model, whose files are there, takes in memory."""
    return sum(path.stat().st_size for path in _files(model, source))


def _files(model: Model, source: str) -> list[Path]:
    """The weights: the model's own, and those of what its entry has beside it, as far as they are on this machine."""
    files: dict[Path, None] = {}
    for place in map(Path, filter(None, (source, model.config, model.motion_adapter))):
        found = [place] if place.is_file() else sorted(file for pattern in WEIGHTS for file in place.rglob(pattern))
        files.update(dict.fromkeys(found))
    return list(files)


def _quiet() -> None:
    """The libraries' progress bars and hints are for notebooks."""
    for logging in (diffusers_logging, transformers_logging):
        logging.set_verbosity_error()
        logging.disable_progress_bar()
