"""What both kinds of video have in common: a clip of just the size and length that was asked for."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from shared.generation import Kind
from worker.clip import Clip
from worker.errors import BadPicture
from worker.pipelines.call import OnStep, call
from worker.pipelines.loaded import Loaded
from worker.pipelines.pixels import crop, is_clip, to_bytes
from worker.pipelines.request import Request

# How LTX's later decoders are told to take off the last noise; the values of diffusers' examples.
LAST_NOISE = {"decode_timestep": 0.05, "decode_noise_scale": 0.025}


def clips(kind: Kind, loaded: Loaded, requests: Sequence[Request], on_step: OnStep, **others: Any) -> list[Clip]:
    """The clip of the one request; see `call` for `on_step` and `others`.

    Raises BadPicture, ContentRefused, KindUnsupported.
    """
    [request] = requests
    asked = request.parameters
    count, fps = asked.num_frames or 1, asked.fps or 1
    pipeline = loaded.pipeline_for(kind)
    others |= {"num_frames": loaded.frames(count), "frame_rate": fps, **LAST_NOISE}
    others["generator"] = _generator(loaded, request.seed)
    [frames] = call(pipeline, loaded, requests, on_step, **others)
    if len(frames) < count or not is_clip(frames[:count]):
        raise BadPicture(loaded.model.id, "is not a clip")
    pixels = np.stack([crop(to_bytes(frame), asked.width, asked.height) for frame in frames[:count]])
    return [Clip(pixels, fps, request.seed)]


def _generator(loaded: Loaded, seed: int) -> torch.Generator:
    """Noise is made on the CPU, so that it is the same on all devices; but where the decoder adds some on its own."""
    adds_noise = getattr(loaded.pipeline.vae.config, "timestep_conditioning", False)
    return torch.Generator(loaded.device if adds_noise else "cpu").manual_seed(seed)
