"""Pictures as they are kept: decoded, upright, in sRGB, without metadata, encoded anew. Knows no user and no row."""

import io
import re
from contextlib import suppress
from dataclasses import dataclass

from PIL import Image, ImageCms, ImageOps

from shared.errors import Invalid
from shared.room import Room
from shared.unreadable import UNREADABLE

FORMATS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/jpg": "JPEG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
    "image/bmp": "BMP",
}
MEDIA_TYPES = {name: media_type for media_type, name in FORMATS.items() if media_type != "image/jpg"}
AT_A_TIME = 2
PATIENCE_SECONDS = 10.0
MOST_SCANS = 100
JPEG_MARKER = re.compile(rb"\xff+([^\x00\x01\xd0-\xd7\xff])")  # one that has a length after it


@dataclass(frozen=True)
class Picture:
    """A file: JPEG if it was one, else PNG."""

    data: bytes
    media_type: str
    width: int
    height: int


class Pictures:
    """Makes pictures fit to be kept. Lives as long as the process, whose memory it guards."""

    def __init__(self, max_megapixels: int, at_a_time: int = AT_A_TIME, patience: float = PATIENCE_SECONDS) -> None:
        Image.MAX_IMAGE_PIXELS = None  # Pillow's own limit would warn or refuse below what the setting allows
        self._max_megapixels = max_megapixels
        self._room = Room(at_a_time, patience)

    def normalise(self, data: bytes, field: str, media_type: str = "", longest_side: int | None = None) -> Picture:
        """The first frame of a PNG, JPEG, WebP, GIF or BMP; `media_type` is what its sender says, or empty.

        It is made smaller where it is longer or wider than `longest_side`, and never larger.
        Raises Invalid for `field`, Unavailable while too many others are at it.
        """
        with self._room.place():
            try:
                image = self._open(data, field, media_type)
                image.load()
                plain = _in_srgb(_upright(image))
                plain.thumbnail((longest_side or plain.width, longest_side or plain.height))
            except UNREADABLE as error:
                raise Invalid.of(field, "image_undecodable") from error
            return _encoded(plain, "JPEG" if _format(image) == "JPEG" else "PNG")

    def _open(self, data: bytes, field: str, media_type: str) -> Image.Image:
        """Only its header has been read."""
        image = Image.open(io.BytesIO(data), formats=list(MEDIA_TYPES))
        found = _format(image)
        if media_type and FORMATS[media_type] != found:
            raise Invalid.of(field, "image_type_mismatch", found=MEDIA_TYPES[found])
        if image.width * image.height > self._max_megapixels * 1_000_000:
            raise Invalid.of(field, "image_too_many_pixels", max=self._max_megapixels)
        if found == "JPEG" and _scans(data) > MOST_SCANS:
            raise ValueError("a JPEG of so many scans is made to take hours")
        return image


def _format(image: Image.Image) -> str:
    """MPO is how Pillow calls a JPEG with another picture behind it, as many cameras make."""
    return "JPEG" if image.format == "MPO" else str(image.format)


def _scans(data: bytes) -> int:
    """How often a JPEG goes over its pixels: ten times is usual, and a file may say so a hundred thousand times."""
    scans, place = 0, 2
    while (marker := JPEG_MARKER.search(data, place)) and marker[1] != b"\xd9":
        scans += marker[1] == b"\xda"
        place = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2])
    return scans


def _upright(image: Image.Image) -> Image.Image:
    """Turned as its EXIF says."""
    with suppress(*UNREADABLE):  # EXIF that cannot be read turns nothing; where it cannot be rewritten, it has
        ImageOps.exif_transpose(image, in_place=True)
    return image


def _in_srgb(image: Image.Image) -> Image.Image:
    """RGB, or RGBA where something may be transparent; colours of another profile become sRGB's."""
    profile = image.info.get("icc_profile")
    image = image if image.mode in {"L", "CMYK"} and not image.has_transparency_data else _plain(image)
    if not profile:
        return _plain(image)
    try:
        return _converted(image, profile)
    except UNREADABLE:
        return _plain(image)  # the profile is broken, or one for other colours than these


def _converted(image: Image.Image, profile: bytes) -> Image.Image:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=mode)
    return converted or image


def _plain(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits of grey, which convert() would cut off instead of scaling down
        image = image.point(lambda value: value * (1 / 257)).convert("L")
        image.info.pop("transparency", None)
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _encoded(image: Image.Image, name: str) -> Picture:
    image.info = {}  # Pillow writes some of it into the file
    file = io.BytesIO()
    if name == "JPEG":
        image.save(file, name, quality=95, subsampling="4:4:4")
    else:
        image.save(file, name, compress_level=1)
    return Picture(file.getvalue(), MEDIA_TYPES[name], image.width, image.height)
