"""Between the size that was asked for and the sizes that a model makes."""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

Pixels = npt.NDArray[np.uint8]


def next_multiple(size: int, multiple: int) -> int:
    """The smallest size that the model makes and that `size` fits into."""
    return -(-size // multiple) * multiple


def crop(pixels: Pixels, width: int, height: int) -> Pixels:
    """The middle, height x width."""
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return np.ascontiguousarray(pixels[top : top + height, left : left + width])


def cover(image: Image.Image, width: int, height: int) -> Image.Image:
    """The picture in just this size: scaled until it covers it, and cropped around its middle."""
    return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)


def to_bytes(images: npt.NDArray[np.floating]) -> Pixels:
    """From floats in 0..1 to 8 bits."""
    scaled: Pixels = (images * 255).round().astype(np.uint8)
    return scaled
