"""Every way to store pixels that the formats have; and bytes that nobody would store."""

import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from backend.services.pictures import Pictures
from shared.errors import Invalid, Unavailable
from tests.drawings import BLUE, CORNERS, RED, corner_colours, corners, decoded, encoded

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # what it says of broken metadata


def kept(data: bytes) -> Image.Image:
    return decoded(Pictures(40).normalise(data, "file").data)


def filled(mode: str, value: Any, name: str = "PNG", **options: Any) -> bytes:
    return encoded(Image.new(mode, (8, 8), value), name, **options)


def palette(name: str, **options: Any) -> bytes:
    return encoded(Image.new("RGB", (8, 8), RED).quantize(4), name, **options)


@pytest.mark.parametrize(
    ("data", "mode", "pixel"),
    [
        (filled("1", 1), "RGB", (255, 255, 255)),
        (filled("1", 1, "BMP"), "RGB", (255, 255, 255)),
        (filled("L", 100), "RGB", (100, 100, 100)),
        (filled("L", 100, transparency=100), "RGBA", (100, 100, 100, 0)),
        (filled("LA", (100, 50)), "RGBA", (100, 100, 100, 50)),
        (filled("I;16", 0), "RGB", (0, 0, 0)),
        (filled("I;16", 257 * 100), "RGB", (100, 100, 100)),
        (filled("I;16", 65535), "RGB", (255, 255, 255)),
        (filled("I;16", 65535, transparency=65535), "RGB", (255, 255, 255)),
        (filled("RGB", RED), "RGB", RED),
        (filled("RGB", RED, transparency=RED), "RGBA", (*RED, 0)),
        (filled("RGBA", (1, 2, 3, 4)), "RGBA", (1, 2, 3, 4)),
        (filled("RGBA", (10, 20, 30, 40), "WEBP", exact=True), "RGBA", (10, 20, 30, 40)),
        (filled("RGBA", (10, 20, 30, 255), "BMP"), "RGB", (10, 20, 30)),
        (palette("PNG"), "RGB", RED),
        (palette("PNG", transparency=0), "RGBA", (*RED, 0)),
        (palette("PNG", transparency=b"\x80"), "RGBA", (*RED, 128)),
        (palette("GIF"), "RGB", RED),
        (palette("GIF", transparency=0), "RGBA", (*RED, 0)),
        (palette("BMP"), "RGB", RED),
    ],
)
def test_pixels_of_any_kind_become_eight_bits_of_colour(data: bytes, mode: str, pixel: tuple[int, ...]) -> None:
    picture = kept(data)

    assert (picture.mode, picture.getpixel((3, 3))) == (mode, pixel)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_jpeg_of_any_kind_becomes_one_of_colours(mode: str) -> None:
    picture = kept(encoded(corners().convert(mode), "JPEG"))

    assert (picture.format, picture.mode) == ("JPEG", "RGB")
    assert mode == "L" or corner_colours(picture) == CORNERS


@pytest.mark.parametrize("name", ["GIF", "WEBP", "PNG"])
def test_what_moves_is_kept_as_its_first_frame(name: str) -> None:
    others = [Image.new("RGB", (32, 16), BLUE), Image.new("RGB", (32, 16), RED)]

    picture = kept(encoded(corners(), name, save_all=True, append_images=others, duration=100))

    assert getattr(picture, "n_frames", 1) == 1
    assert corner_colours(picture) == CORNERS


def of_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    data = encoded(corners(), "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * (count - data.count(b"\xff\xda")) + data[-2:]


def test_a_usual_number_of_scans_is_taken() -> None:
    assert kept(of_scans(30)).width == 32


@pytest.mark.parametrize("hidden", [b"", b"\xff\x01", b"\xff\xff\xff", b"\xff\xd0"])
def test_a_jpeg_that_would_take_hours_is_refused(hidden: bytes) -> None:
    head, scans = of_scans(200).split(b"\xff\xda", 1)

    with pytest.raises(Invalid) as caught:
        kept(head + hidden + b"\xff\xda" + scans)

    assert caught.value.problems[0].code == "image_undecodable"


def test_what_only_looks_like_a_scan_does_not_count() -> None:
    assert kept(encoded(corners(), "JPEG", comment=b"\xff\xda" * 1000) + b"\xff\xda" * 1000).width == 32


def test_who_finds_no_place_is_to_come_again() -> None:
    with pytest.raises(Unavailable):
        Pictures(40, at_a_time=0, patience=0).normalise(encoded(corners()), "file")


def test_a_picture_that_is_refused_leaves_its_place_to_others() -> None:
    pictures = Pictures(40, at_a_time=1, patience=0)
    with pytest.raises(Invalid):
        pictures.normalise(b"nothing", "file")

    assert pictures.normalise(encoded(corners()), "file")


def exif() -> bytes:
    found = Image.Exif()
    found[0x0112] = 6
    return found.tobytes()


VALID = (
    encoded(corners(), "PNG", exif=exif()),
    encoded(corners().quantize(8), "PNG", transparency=1),
    encoded(corners(), "JPEG", exif=exif()),
    encoded(corners().convert("CMYK"), "JPEG", progressive=True),
    encoded(corners(), "WEBP", lossless=False, exif=exif()),
    encoded(corners().convert("RGBA"), "WEBP", save_all=True, append_images=[corners().rotate(90)]),
    encoded(corners(), "GIF", save_all=True, append_images=[corners().rotate(90)]),
    encoded(corners(), "BMP"),
    encoded(corners().quantize(8), "BMP"),
)
PLACES = st.one_of(st.integers(0, 64), st.integers(0, 2000))
WORDS = st.one_of(st.binary(max_size=8), st.integers(0, 2**32 - 1).map(lambda number: struct.pack(">I", number)))


@settings(max_examples=400, deadline=None, database=None)
@given(st.sampled_from(VALID), st.lists(st.tuples(PLACES, st.integers(0, 8), WORDS), min_size=1, max_size=6))
def test_a_damaged_picture_is_taken_or_refused_and_nothing_else(data: bytes, damage: list[Any]) -> None:
    for place, length, word in damage:
        data = data[:place] + word + data[place + length :]

    assert outcome(data) in {"taken", "image_undecodable", "image_too_many_pixels"}


def outcome(data: bytes) -> str:
    try:
        picture = Pictures(1).normalise(data, "file")
    except Invalid as error:
        return error.problems[0].code
    return "taken" if decoded(picture.data).size == (picture.width, picture.height) else "broken"
