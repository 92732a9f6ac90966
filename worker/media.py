"""Pictures as files that say how they were made: PNG, WebP, JPEG; and small WebP ones for lists."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from shared.claims import Claim
from shared.storage import Storage
from shared.unreadable import UNREADABLE

SOFTWARE = "Darkroom"
THUMBNAIL_SIDE = 384
JPEG_QUALITY = 92
WEBP_QUALITY = 90
EXIF_BYTES = 65_000  # a JPEG's EXIF block has a length of two bytes
USER_COMMENT, EXIF_FOLDER, DESCRIPTION, MAKER = 0x9286, 0x8769, 0x010E, 0x0131
RECEIVED = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


@dataclass(frozen=True)
class Encoded:
    """A picture as a file, and a small WebP of it. Sizes are width and height; `seed` is None where there is none.

    `made` is what is known of how it was made, beside its task's parameters; a clip has `motion` too: its `frames`,
    their number in a second (`fps`) and its `duration` in seconds.
    """

    data: bytes
    media_type: str
    size: tuple[int, int]
    seed: int | None
    thumbnail: bytes
    thumbnail_size: tuple[int, int]
    made: Mapping[str, Any] = field(default_factory=dict)
    motion: Mapping[str, Any] = field(default_factory=dict)


class Undecodable(Exception):
    """A file that was just written cannot be read."""


class Made(Protocol):
    """What a task has made."""

    def encode(self, claim: Claim) -> Encoded: ...


@dataclass(frozen=True)
class Picture:
    """`pixels` is height x width x 3, 8 bits; `seed` is this picture's own, `made` what else its manifest says."""

    pixels: npt.NDArray[np.uint8]
    seed: int
    made: Mapping[str, Any] = field(default_factory=dict)

    def encode(self, claim: Claim) -> Encoded:
        """The file that was asked for. Raises Undecodable when it cannot be read again."""
        wanted = claim.parameters.output_format or "png"
        data = ENCODERS[wanted](self, claim)
        image = _read_again(data, self.pixels.shape)
        return Encoded(data, f"image/{wanted}", image.size, self.seed, *encode_thumbnail(image), self.made)


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
        except (*UNREADABLE, Image.DecompressionBombError) as error:
            raise OSError(str(error)) from error

    def encode(self, claim: Claim) -> Encoded:
        return Encoded(self.data, self.media_type, self.image.size, None, *encode_thumbnail(self.image))


def read_image(storage: Storage, key: str) -> Image.Image:
    """A stored picture, 8 bits RGB; what is transparent becomes white. Raises NotFound, and UNREADABLE."""
    Image.MAX_IMAGE_PIXELS = None  # it was measured when it came
    with storage.open(key) as file, Image.open(file) as image:
        if image.mode == "RGB":
            return image.copy()
        if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would cut off above 255
            return Image.fromarray((np.asarray(image) // 257).clip(0, 255).astype(np.uint8)).convert("RGB")
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
    info.add_itxt("darkroom", json.dumps(manifest(picture.seed, picture.made, claim), ensure_ascii=False))
    file = io.BytesIO()
    Image.fromarray(picture.pixels, "RGB").save(file, "PNG", pnginfo=info, compress_level=1)
    return file.getvalue()


def encode_webp(picture: Picture, claim: Claim) -> bytes:
    """A lossy WebP, with the same two texts in its EXIF block."""
    return _lossy(picture, claim, "WEBP", WEBP_QUALITY)


def encode_jpeg(picture: Picture, claim: Claim) -> bytes:
    """A JPEG, likewise."""
    return _lossy(picture, claim, "JPEG", JPEG_QUALITY)


ENCODERS = {"png": encode_png, "webp": encode_webp, "jpeg": encode_jpeg}


def _lossy(picture: Picture, claim: Claim, format: str, quality: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture.pixels, "RGB").save(file, format, quality=quality, exif=_exif(picture, claim))
    return file.getvalue()


def _exif(picture: Picture, claim: Claim) -> Image.Exif:
    """A1111's text as the user comment, in UTF-16 as there; the manifest as the description, if there is room."""
    exif = Image.Exif()
    exif[MAKER] = SOFTWARE
    exif.get_ifd(EXIF_FOLDER)[USER_COMMENT] = b"UNICODE\0" + _a1111(picture, claim).encode("utf-16-be")
    exif[DESCRIPTION] = json.dumps(manifest(picture.seed, picture.made, claim))
    if len(exif.tobytes()) > EXIF_BYTES:
        del exif[DESCRIPTION]
    return exif if len(exif.tobytes()) <= EXIF_BYTES else Image.Exif()


def _read_again(data: bytes, shape: tuple[int, ...]) -> Image.Image:
    try:
        with Image.open(io.BytesIO(data)) as image:
            read = image.convert("RGB")
    except (OSError, SyntaxError, ValueError) as error:
        raise Undecodable(str(error)) from error
    if read.size != (shape[1], shape[0]):
        raise Undecodable(f"{read.size} instead of {shape[1]} x {shape[0]}")
    return read


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
        **({"Weights fingerprint": str(picture.made["weights"])[:10]} if "weights" in picture.made else {}),
        **({"Denoising strength": f"{p.strength:g}"} if p.strength is not None else {}),
        **({"LoRA": " ".join(f"{lora['name']}:{lora['weight']:g}" for lora in p.loras)} if p.loras else {}),
    }
    return "\n".join([*lines, ", ".join(f"{name}: {value}" for name, value in facts.items())])


def manifest(seed: int, made: Mapping[str, Any], claim: Claim) -> dict[str, Any]:
    """How one result of this task was made, for its file to say; not which task it was: as asked, so the bytes."""
    return {
        "type": claim.kind.value,
        "prompt": claim.prompt,
        **claim.parameters.as_dict(),
        "seed": seed,
        **made,
    }
