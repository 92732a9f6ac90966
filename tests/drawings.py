"""Small picture files for tests."""

import io
import struct
import zlib
from typing import Any

from PIL import Image, ImageCms

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
MEDIA_TYPES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "BMP": "image/bmp",
}


def corners(width: int = 32, height: int = 16) -> Image.Image:
    """Red and green above, blue and white below: no way to turn it leaves it as it was."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(GREEN, (width // 2, 0, width, height // 2))
    image.paste(BLUE, (0, height // 2, width // 2, height))
    image.paste(WHITE, (width // 2, height // 2, width, height))
    return image


def encoded(image: Image.Image, name: str = "PNG", **options: Any) -> bytes:
    """The picture as a file, as like it as the format can."""
    best: dict[str, dict[str, Any]] = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}
    file = io.BytesIO()
    image.save(file, name, **{**best.get(name, {}), **options})
    return file.getvalue()


def decoded(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def corner_colours(image: Image.Image) -> list[tuple[int, ...]]:
    """Clockwise from the upper left, each channel rounded so that JPEG's losses do not count."""
    right, lower = image.width - 2, image.height - 2
    pixels = [image.convert("RGB").getpixel(place) for place in ((1, 1), (right, 1), (right, lower), (1, lower))]
    return [tuple(255 * round(value / 255) for value in pixel) for pixel in pixels]  # type: ignore[union-attr]


CORNERS = [RED, GREEN, WHITE, BLUE]


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has nearly nothing to show for it."""
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", size) + _chunk(b"IDAT", zlib.compress(b"\0" * 64))


def swapped_profile() -> bytes:
    """A colour profile in which red means sRGB's green, and green its red."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
