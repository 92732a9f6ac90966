"""Small pictures of what a running call will make, from its latents and by the model's projection."""

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from PIL import Image

from shared.claims import Claim
from worker.pipelines.projection import Projection
from worker.pipelines.request import Request

SIDE = 128  # the longer one, at most
QUALITY = 70

Size = tuple[int, int]


@dataclass(frozen=True)
class Sketch:
    """A task's unfinished picture: its latent, which is on its way to the host until `arrived` has returned.

    The picture is as large as `asked`, out of the middle of what is `made`.
    """

    claim: Claim
    projection: Projection
    latent: torch.Tensor
    arrived: Callable[[], object]
    asked: Size
    made: Size

    def encode(self) -> bytes:
        """A small WebP. Safe beside the device's thread, which it takes no time of."""
        self.arrived()
        image = Image.fromarray(self.projection.picture(self.latent.numpy()), "RGB")
        shrink = min(1, SIDE / max(self.asked))
        size = [max(1, round(side * shrink)) for side in self.asked]
        small = image.resize((size[0], size[1]), Image.Resampling.BICUBIC, box=self._box(image.size))
        file = io.BytesIO()
        small.save(file, "WEBP", quality=QUALITY, method=2)
        return file.getvalue()

    def _box(self, size: Size) -> tuple[float, float, float, float]:
        """The part of the latent's picture that was asked for."""
        left, top = ((made - asked) // 2 for made, asked in zip(self.made, self.asked, strict=True))
        right, bottom = left + self.asked[0], top + self.asked[1]
        across, down = size[0] / self.made[0], size[1] / self.made[1]
        return left * across, top * down, right * across, bottom * down


def sketches(
    latents: torch.Tensor | None, projection: Projection, requests: Sequence[Request], made: Size, pixels: int
) -> list[Sketch]:
    """One for each task whose first picture is among these; none where the latents lie in no known way.

    `made` is what the model makes, of which one latent stands for `pixels` of a side. Waits for nothing: what is still
    to be computed is copied as soon as it is there.
    """
    still = None if latents is None else _still(latents, projection.channels, made, pixels)
    shown = [(number, request.preview_of) for number, request in enumerate(requests)]
    if still is None or len(still) != len(requests) or not any(claim for _, claim in shown):
        return []
    every = -(-max(still.shape[-2:]) // SIDE)
    host, arrived = _to_host(still[..., ::every, ::every])
    asked = (requests[0].parameters.width, requests[0].parameters.height)
    return [Sketch(claim, projection, host[number], arrived, asked, made) for number, claim in shown if claim]


def _still(latents: torch.Tensor, channels: int, made: Size, pixels: int) -> torch.Tensor | None:
    """Count x channels x height x width: of a clip its middle. None for latents of another kind."""
    if latents.ndim == 3:
        latents = _unpacked(latents, channels, made[0] // pixels, made[1] // pixels)
    if latents.ndim == 5:
        frames_first = latents.shape[1] != channels  # CogVideoX
        latents = latents.transpose(1, 2) if frames_first else latents
        latents = latents[:, :, latents.shape[2] // 2]
    return latents if latents.ndim == 4 and latents.shape[1] == channels else None


def _unpacked(tokens: torch.Tensor, channels: int, width: int, height: int) -> torch.Tensor:
    """Count x channels x frames x height x width of the rows of patches that DiTs work on (FLUX, Qwen-Image, LTX).

    As they are where they do not fit.
    """
    side = math.isqrt(tokens.shape[2] // channels)
    rows, columns = height // max(1, side), width // max(1, side)
    frames, left = divmod(tokens.shape[1], max(1, rows * columns))
    if side * side * channels != tokens.shape[2] or left:
        return tokens
    patches = tokens.reshape(len(tokens), frames, rows, columns, channels, side, side)
    return patches.permute(0, 4, 1, 2, 5, 3, 6).reshape(len(tokens), channels, frames, rows * side, columns * side)


def _to_host(latents: torch.Tensor) -> tuple[torch.Tensor, Callable[[], object]]:
    """A copy in the host's memory, and what waits until it is whole: a graphics card makes it when it comes to it."""
    numbers = latents.float()
    if not numbers.is_cuda:
        return numbers.to("cpu", copy=True), lambda: None
    host = torch.empty(numbers.shape, pin_memory=True)
    host.copy_(numbers, non_blocking=True)
    copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
    copied.record()
    return host, copied.synchronize
