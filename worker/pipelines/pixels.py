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


def is_picture(image: npt.NDArray[np.floating]) -> bool:
    """Whether these are numbers, and not one colour all over: what broken arithmetic leaves behind is neither."""
    return bool(np.isfinite(image).all()) and bool((to_bytes(np.ptp(image, axis=(0, 1))) > 0).any())


def is_clip(frames: npt.NDArray[np.floating]) -> bool:
    """Whether all frames are numbers, and not each of them one colour: a few may be, such as the first of a fade."""
    return all(np.isfinite(frame).all() for frame in frames) and any(is_picture(frame) for frame in frames)


def to_bytes(images: npt.NDArray[np.floating]) -> Pixels:
    """From floats in 0..1 to 8 bits."""
    scaled: Pixels = (images * 255).round().astype(np.uint8)
    return scaled
