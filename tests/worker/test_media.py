"""Files of pictures."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from tests.fakes.generator import picture_of
from tests.orders import claim_of
from worker.media import Picture, encode_png, encode_thumbnail


def test_a_png_keeps_every_pixel() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (17, 23, 3), dtype=np.uint8)

    decoded = Image.open(io.BytesIO(encode_png(Picture(pixels, 1), claim_of())))

    assert np.array_equal(np.asarray(decoded), pixels)


def test_a_png_says_how_it_was_made() -> None:
    claim = claim_of("白色背景上的红色圆形 😀", negative_prompt="blue", seed=41)

    text = Image.open(io.BytesIO(encode_png(picture_of(claim, 1), claim))).text

    assert text["parameters"].splitlines() == [
        "白色背景上的红色圆形 😀",
        "Negative prompt: blue",
        "Steps: 2, Sampler: DDIM, CFG scale: 4, Seed: 42, Size: 64x64, Model: tiny",
    ]
    assert json.loads(text["darkroom"])["seed"] == 42
    assert json.loads(text["darkroom"])["prompt"] == claim.prompt


@pytest.mark.parametrize(
    ("size", "small"),
    [
        ((800, 400), (384, 192)),
        ((400, 1200), (128, 384)),
        ((385, 385), (384, 384)),
        ((384, 100), (384, 100)),
        ((64, 48), (64, 48)),
        ((2000, 2), (384, 1)),
    ],
)
def test_a_thumbnail_is_small_and_never_larger_than_its_picture(size: tuple[int, int], small: tuple[int, int]) -> None:
    picture = Picture(np.zeros((size[1], size[0], 3), dtype=np.uint8), 1)

    data, told = encode_thumbnail(Image.fromarray(picture.pixels))

    decoded = Image.open(io.BytesIO(data))
    assert (decoded.format, decoded.size, told) == ("WEBP", small, small)


def test_a_thumbnail_shows_what_its_picture_shows() -> None:
    pixels = np.zeros((600, 800, 3), dtype=np.uint8)
    pixels[:, :400] = (255, 0, 0)
    pixels[:, 400:] = (0, 0, 255)

    decoded = np.asarray(Image.open(io.BytesIO(encode_thumbnail(Image.fromarray(pixels))[0])), dtype=int)

    assert np.abs(decoded[:, 20] - (255, 0, 0)).max() < 12
    assert np.abs(decoded[:, -20] - (0, 0, 255)).max() < 12
