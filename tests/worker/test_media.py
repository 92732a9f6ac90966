"""Files of pictures."""

import io
import json

import numpy as np
from PIL import Image

from tests.fakes.generator import picture_of
from tests.orders import claim_of
from worker.media import Picture, encode_png


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
