"""Pictures as files: PNG with the text that says how it was made, and small WebP ones for lists."""

import io
import json
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from shared.claims import Claim
from shared.storage import Storage

SOFTWARE = "Darkroom"
THUMBNAIL_SIDE = 384
RECEIVED = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


@dataclass(frozen=True)
class Encoded:
    """A picture as a file, and a small WebP of it. Sizes are width and height; `seed` is None where there is none."""

    data: bytes
    media_type: str
    size: tuple[int, int]
    seed: int | None
    thumbnail: bytes
    thumbnail_size: tuple[int, int]


class Made(Protocol):
    """What a task has made."""

    def encode(self, claim: Claim) -> Encoded: ...


@dataclass(frozen=True)
class Picture:
    """`pixels` is height x width x 3, 8 bits; `seed` is this picture's own."""

    pixels: npt.NDArray[np.uint8]
    seed: int

    def encode(self, claim: Claim) -> Encoded:
        """A PNG that says how it was made."""
        height, width, _ = self.pixels.shape
        image = Image.fromarray(self.pixels, "RGB")
        return Encoded(encode_png(self, claim), "image/png", (width, height), self.seed, *encode_thumbnail(image))


@dataclass(frozen=True)
class ReceivedPicture:
    """A picture that came as a file, and stays as it came to the byte: it may carry signed credentials."""

    data: bytes
    media_type: str
    image: Image.Image

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Raises OSError for what is no PNG, JPEG or WebP, or cannot be decoded."""
        try:
            with Image.open(io.BytesIO(data), formats=list(RECEIVED)) as image:
                return cls(data, RECEIVED[str(image.format)], image.convert("RGB"))
        except (ValueError, SyntaxError, EOFError, OverflowError, Image.DecompressionBombError) as error:
            raise OSError(str(error)) from error

    def encode(self, claim: Claim) -> Encoded:
        return Encoded(self.data, self.media_type, self.image.size, None, *encode_thumbnail(self.image))


def read_image(storage: Storage, key: str) -> Image.Image:
    """A stored picture, 8 bits RGB; what is transparent becomes white. Raises NotFound, OSError."""
    Image.MAX_IMAGE_PIXELS = None  # it was measured when it came
    with storage.open(key) as file, Image.open(file) as image:
        if image.mode == "RGB":
            return image.copy()
        see_through = image.convert("RGBA")
    white = Image.new("RGBA", see_through.size, "white")
    return Image.alpha_composite(white, see_through).convert("RGB")


def encode_png(picture: Picture, claim: Claim) -> bytes:
    """A PNG whose text chunks are A1111's `parameters` and a JSON manifest.

    Compression level 1: a higher one costs more time than a small model takes for the picture.
    """
    info = PngInfo()
    info.add_text("Software", SOFTWARE)
    info.add_itxt("parameters", _a1111(picture, claim))
    info.add_itxt("darkroom", json.dumps(_manifest(picture, claim), ensure_ascii=False))
    file = io.BytesIO()
    Image.fromarray(picture.pixels, "RGB").save(file, "PNG", pnginfo=info, compress_level=1)
    return file.getvalue()


def encode_thumbnail(image: Image.Image) -> tuple[bytes, tuple[int, int]]:
    """A small WebP of it, and its width and height: the longer side is shortened to THUMBNAIL_SIDE, never stretched."""
    small = image.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    small.save(file, "WEBP", quality=80)
    return file.getvalue(), small.size


def _a1111(picture: Picture, claim: Claim) -> str:
    p = claim.parameters
    lines = [claim.prompt, *([f"Negative prompt: {p.negative_prompt}"] if p.negative_prompt else [])]
    facts = {
        "Steps": p.steps,
        "Sampler": p.sampling_method,
        "CFG scale": f"{p.guidance_scale:g}",
        "Seed": picture.seed,
        "Size": f"{p.width}x{p.height}",
        "Model": p.model,
    }
    return "\n".join([*lines, ", ".join(f"{name}: {value}" for name, value in facts.items())])


def _manifest(picture: Picture, claim: Claim) -> dict[str, Any]:
    return {
        "task_id": claim.public_id,
        "type": claim.kind.value,
        "prompt": claim.prompt,
        **claim.parameters.as_dict(),
        "seed": picture.seed,
    }
