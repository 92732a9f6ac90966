"""What is behind the objects: one plain colour, or scenery in bands from top to bottom."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from worker.demo_model.judging.colours import CONTRAST, Mask, Pixels, apart, apart_from_blend, nearest, outstanding

BORDER = 3
# How much of the border must be of the plain colour.
PLAIN_SHARE = 0.8
UNCLEAR = "unclear"


@dataclass(frozen=True)
class Band:
    """A colour, and the heights between which the border shows nothing else, as fractions; how far it may drift."""

    colour: tuple[int, int, int]
    top: float
    bottom: float
    drift: float = 60.0


SCENERY: dict[str, tuple[Band, ...]] = {
    "night": (Band((18, 22, 66), 0.0, 1.0, 36.0),),
    "meadow": (Band((150, 205, 245), 0.0, 0.5), Band((128, 196, 92), 0.68, 1.0)),
    "beach": (
        Band((176, 222, 250), 0.0, 0.36),
        Band((44, 122, 196), 0.44, 0.58),
        Band((236, 214, 158), 0.72, 1.0),
    ),
    "snow": (Band((176, 194, 218), 0.0, 0.54), Band((246, 249, 252), 0.7, 1.0)),
}


def split(picture: Image.Image) -> tuple[str, Pixels, Mask]:
    """The background's name, the picture's pixels, and where they are not the background."""
    pixels = np.asarray(picture.convert("RGB")).astype(np.int32)
    for name, bands in SCENERY.items():
        colours = [_middle(pixels, band) for band in bands]
        if all(apart(seen, band.colour) < band.drift for seen, band in zip(colours, bands, strict=True)):
            return name, pixels, outstanding(_from_bands(pixels, colours))
    ring = np.ones(pixels.shape[:2], dtype=bool)
    ring[BORDER:-BORDER, BORDER:-BORDER] = False
    plain = np.median(pixels[ring], axis=0)
    clear = (apart(pixels[ring], plain) < CONTRAST).mean() > PLAIN_SHARE
    return (nearest(plain) if clear else UNCLEAR), pixels, outstanding(apart(pixels, plain))


def _middle(pixels: Pixels, band: Band) -> Pixels:
    """The usual colour of both sides' margins within the band."""
    height = len(pixels)
    rows = pixels[round(band.top * height) : round(band.bottom * height)]
    margins = np.concatenate((rows[:, :BORDER], rows[:, -BORDER:]), axis=1)
    middle: Pixels = np.median(margins.reshape(-1, 3), axis=0)
    return middle


def _from_bands(pixels: Pixels, colours: list[Pixels]) -> np.ndarray:
    """How far from every band's colour, and from what two neighbours blend into where they meet."""
    meetings = list(zip(colours, colours[1:] or colours, strict=False))
    distances: np.ndarray = np.minimum.reduce([apart_from_blend(pixels, *meeting) for meeting in meetings])
    return distances
