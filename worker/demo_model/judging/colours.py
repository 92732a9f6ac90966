"""The colours an object can have, each with the darker tone of some of its parts, and how colours stand out."""

from functools import cache

import numpy as np

Pixels = np.ndarray
Mask = np.ndarray

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (220, 30, 35),
    "green": (30, 150, 50),
    "blue": (30, 70, 220),
    "yellow": (250, 220, 30),
    "orange": (245, 130, 20),
    "purple": (125, 40, 165),
    "pink": (250, 140, 190),
    "brown": (120, 70, 30),
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "grey": (128, 128, 128),
}
NAMES = tuple(COLOURS)
# Roofs and wheels are darker, except black ones, which are paler.
SHADES = {"black": (64, 64, 64), "white": (185, 185, 185)}
CONTRAST = 42.0
# How much of its neighbourhood's contrast a pixel needs, so that soft edges count as inside from about their middle.
EDGE = 0.38


def nearest(colour: Pixels, darker: bool = False) -> str:
    """The name of the colour that one pixel is nearest to; with the darker tones counted in if asked."""
    tones = _tones() if darker else _tones()[: len(NAMES)]
    return NAMES[int(np.square(tones - colour).sum(axis=1).argmin()) % len(NAMES)]


def apart(pixels: Pixels, colour: Pixels | tuple[int, int, int]) -> np.ndarray:
    """How far every pixel is from one colour."""
    distances: np.ndarray = np.sqrt(np.square(pixels.astype(np.float32) - np.asarray(colour)).sum(axis=-1))
    return distances


def apart_from_blend(pixels: Pixels, first: Pixels, second: Pixels) -> np.ndarray:
    """How far every pixel is from the nearest blend of two colours."""
    way = (second - first).astype(np.float32)
    offset = pixels.astype(np.float32) - first
    share = np.clip(offset @ way / max(float(way @ way), 1.0), 0, 1)
    distances: np.ndarray = np.sqrt(np.square(offset - share[..., None] * way).sum(axis=-1))
    return distances


def body_names(pixels: Pixels) -> np.ndarray:
    """For every pixel the number of the colour whose main tone it is nearest to; -1 where another tone is nearer."""
    tones = _tones()
    flat = pixels.reshape(-1, 3).astype(np.float32)
    found = (np.square(tones).sum(axis=1) - 2 * flat @ tones.T).argmin(axis=1).reshape(pixels.shape[:-1])
    return np.where(found < len(NAMES), found, -1)


def outstanding(distances: np.ndarray) -> Mask:
    """Where the distance from the background is large, also beside what is around it."""
    around = np.pad(distances, 2)
    height, width = distances.shape
    rows = np.maximum.reduce([around[row : row + height] for row in range(5)])
    most = np.maximum.reduce([rows[:, column : column + width] for column in range(5)])
    found: Mask = distances > np.maximum(CONTRAST, EDGE * most)
    return found


@cache
def _tones() -> np.ndarray:
    """First the main tones in the order of the names, then the darker ones."""
    main = [np.array(colour) for colour in COLOURS.values()]
    shades = [np.array(SHADES.get(name, 0.7 * colour)) for name, colour in zip(NAMES, main, strict=True)]
    return np.stack([*main, *shades]).astype(np.float32)
