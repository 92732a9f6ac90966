"""Files of pictures."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shared.claims import Claim
from shared.storage import LocalStorage
from tests.fakes.generator import picture_of
from tests.orders import claim_of
from worker.media import Encoded, Picture, Undecodable, _read_again, encode_png, encode_thumbnail, read_image


def test_a_png_keeps_every_pixel() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (17, 23, 3), dtype=np.uint8)

    decoded = Image.open(io.BytesIO(encode_png(Picture(pixels, 1), claim_of())))

    assert np.array_equal(np.asarray(decoded), pixels)


def test_a_png_is_compressed_as_quickly_as_can_be() -> None:
    data = encode_png(picture_of(claim_of()), claim_of())

    assert b"IDAT\x78\x01" in data  # RFC 1950: the fastest algorithm


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


def read(image: Image.Image, format: str, folder: Path, **options: object) -> Image.Image:
    file = io.BytesIO()
    image.save(file, format, **options)
    storage = LocalStorage(folder)
    storage.save("uploads/it", file.getvalue())
    return read_image(storage, "uploads/it")


def red(mode: str = "RGB") -> Image.Image:
    return Image.new("RGB", (50, 20), "red").convert(mode)


@pytest.mark.parametrize(
    ("image", "format", "colour"),
    [
        (Image.fromarray(np.full((20, 50), 0x4040, np.uint16)), "PNG", (64, 64, 64)),
        (Image.fromarray(np.full((20, 50), 0xFFFF, np.uint16)), "PNG", (255, 255, 255)),
        (red("CMYK"), "JPEG", (255, 0, 0)),
        (Image.new("LA", (50, 20), (0, 0)), "PNG", (255, 255, 255)),
        (red("P"), "GIF", (255, 0, 0)),
        (red("L"), "PNG", (76, 76, 76)),
    ],
    ids=["16 bits", "16 bits of white", "CMYK", "see-through grey", "palette", "grey"],
)
def test_a_reference_of_any_mode_keeps_its_colours(
    tmp_path: Path, image: Image.Image, format: str, colour: tuple[int, int, int]
) -> None:
    found = read(image, format, tmp_path)

    assert (found.mode, found.size) == ("RGB", (50, 20))
    assert np.abs(np.subtract(found.getpixel((9, 9)), colour)).max() <= 2


@pytest.mark.parametrize("format", ["WEBP", "PNG", "GIF"])
def test_of_a_moving_reference_the_first_picture_counts(tmp_path: Path, format: str) -> None:
    blue = Image.new("RGB", (50, 20), "blue")

    found = read(red(), format, tmp_path, save_all=True, append_images=[blue])

    assert np.abs(np.subtract(found.getpixel((9, 9)), (255, 0, 0))).max() <= 3


MADE = {"weights": "0123456789abcdef", "rung": "none", "profile": "exact"}
USER_COMMENT, EXIF_FOLDER, DESCRIPTION = 0x9286, 0x8769, 0x010E


def of_format(claim: Claim, **others: object) -> Encoded:
    return replace(picture_of(claim, 1), made=MADE, **others).encode(claim)


@pytest.mark.parametrize(
    ("asked", "format", "media_type"),
    [
        (None, "PNG", "image/png"),
        ("png", "PNG", "image/png"),
        ("webp", "WEBP", "image/webp"),
        ("jpeg", "JPEG", "image/jpeg"),
    ],
)
def test_a_picture_comes_in_the_format_that_was_asked_for(asked: str | None, format: str, media_type: str) -> None:
    encoded = of_format(claim_of(output_format=asked))

    decoded = Image.open(io.BytesIO(encoded.data))
    assert (decoded.format, decoded.size, encoded.media_type, encoded.size) == (format, (64, 64), media_type, (64, 64))


@pytest.mark.parametrize("format", ["webp", "jpeg"])
def test_other_formats_say_how_they_were_made_too(format: str) -> None:
    claim = claim_of("红色圆形 😀", output_format=format, seed=41)

    exif = Image.open(io.BytesIO(of_format(claim).data)).getexif()

    comment = exif.get_ifd(EXIF_FOLDER)[USER_COMMENT]
    assert comment[:8] == b"UNICODE\0"
    assert comment[8:].decode("utf-16-be").splitlines() == [
        "红色圆形 😀",
        "Steps: 2, Sampler: DDIM, CFG scale: 4, Seed: 42, Size: 64x64, Model: tiny, Weights fingerprint: 0123456789",
    ]
    assert json.loads(exif[DESCRIPTION])["prompt"] == "红色圆形 😀"


@pytest.mark.parametrize("format", ["webp", "jpeg"])
@pytest.mark.parametrize("length", [5_000, 20_000, 40_000])
def test_a_prompt_that_finds_no_room_in_the_file_does_no_harm(format: str, length: int) -> None:
    encoded = of_format(claim_of("圆" * length, output_format=format))

    assert Image.open(io.BytesIO(encoded.data)).size == (64, 64)


def test_the_manifest_says_what_is_known_of_the_making() -> None:
    claim = claim_of(strength=0.5, loras=[{"name": "ink", "weight": 0.5}])

    text = Image.open(io.BytesIO(of_format(claim).data)).text

    manifest = json.loads(text["darkroom"])
    assert {name: manifest[name] for name in MADE} == MADE
    assert manifest["loras"] == [{"name": "ink", "weight": 0.5}]
    assert text["parameters"].endswith("Weights fingerprint: 0123456789, Denoising strength: 0.5, LoRA: ink:0.5")


def test_what_was_made_goes_with_the_file() -> None:
    assert of_format(claim_of()).made == MADE


def test_a_file_that_cannot_be_read_again_is_no_result() -> None:
    whole = np.zeros((8, 8, 3), dtype=np.uint8)

    with pytest.raises(Undecodable):
        _read_again(encode_png(Picture(whole, 1), claim_of())[:60], whole.shape)
    with pytest.raises(Undecodable):
        _read_again(encode_png(Picture(whole, 1), claim_of()), (8, 9, 3))


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
