"""Pictures are decoded, turned upright, stripped and encoded anew; whatever else comes is refused."""

import io

import pytest
from PIL import Image, ImageCms, JpegImagePlugin
from PIL.PngImagePlugin import PngInfo

from backend.services.pictures import Picture, Pictures
from shared.errors import Invalid
from tests.drawings import (
    CORNERS,
    GREEN,
    MEDIA_TYPES,
    RED,
    corner_colours,
    corners,
    decoded,
    encoded,
    png_header,
    swapped_profile,
)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # what it says of broken metadata
MARKER = b"whatnobodymaysee"
TURNED = {  # what a camera that was held so has stored, as turned from the upright picture
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def normalise(data: bytes, media_type: str = "", max_megapixels: int = 40) -> Picture:
    return Pictures(max_megapixels).normalise(data, "file", media_type)


def problem(data: bytes, media_type: str = "", max_megapixels: int = 40) -> str:
    with pytest.raises(Invalid) as caught:
        normalise(data, media_type, max_megapixels)
    assert [found.field for found in caught.value.problems] == ["file"]
    return caught.value.problems[0].code


def exif(orientation: int) -> bytes:
    found = Image.Exif()
    found[0x0112] = orientation
    found[0x010E] = MARKER.decode()
    return found.tobytes()


@pytest.mark.parametrize("name", MEDIA_TYPES)
def test_each_format_is_kept_as_jpeg_if_it_was_one_else_as_png(name: str) -> None:
    picture = normalise(encoded(corners(), name), MEDIA_TYPES[name])

    kept = decoded(picture.data)
    assert picture.media_type == ("image/jpeg" if name == "JPEG" else "image/png")
    assert (picture.width, picture.height) == kept.size == (32, 16)
    assert corner_colours(kept) == CORNERS


def test_a_jpeg_loses_no_colour_resolution() -> None:
    kept = Image.open(io.BytesIO(normalise(encoded(corners(), "JPEG")).data))

    assert JpegImagePlugin.get_sampling(kept) == 0


def test_jpg_is_another_name_of_jpeg() -> None:
    assert normalise(encoded(corners(), "JPEG"), "image/jpg").media_type == "image/jpeg"


def test_a_cameras_jpeg_with_a_second_picture_is_a_jpeg() -> None:
    several = encoded(corners(), "MPO", save_all=True, append_images=[corners()])

    assert normalise(several, "image/jpeg").media_type == "image/jpeg"


@pytest.mark.parametrize("found", MEDIA_TYPES)
@pytest.mark.parametrize("declared", MEDIA_TYPES)
def test_a_picture_that_is_not_what_it_is_said_to_be_is_refused(declared: str, found: str) -> None:
    if declared == found:
        assert normalise(encoded(corners(), found), MEDIA_TYPES[declared])
    else:
        assert problem(encoded(corners(), found), MEDIA_TYPES[declared]) == "image_type_mismatch"


@pytest.mark.parametrize("name", ["TIFF", "ICO", "PPM", "TGA", "PCX", "PDF", "AVIF", "JPEG2000", "DIB"])
def test_no_other_format_is_opened(name: str) -> None:
    assert problem(encoded(corners(), name)) == "image_undecodable"


@pytest.mark.parametrize(
    "data",
    [b"\0", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%!PS", b"x" * 1_000_000],
    ids=lambda data: repr(data[:12]),
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    assert problem(data) == "image_undecodable"


@pytest.mark.parametrize("share", [0.01, 0.1, 0.25, 0.5, 0.75, 0.9])
@pytest.mark.parametrize("name", MEDIA_TYPES)
def test_a_picture_that_was_cut_off_is_refused(name: str, share: float) -> None:
    data = encoded(Image.radial_gradient("L").convert("RGB"), name)

    assert problem(data[: int(len(data) * share)]) == "image_undecodable"


def test_a_picture_with_bytes_behind_its_end_is_taken() -> None:
    assert normalise(encoded(corners(), "JPEG") + b"\0" * 1000).width == 32


def claims(name: str, width: int, height: int) -> bytes:
    """A small file of this format whose header claims another size."""
    data = bytearray(encoded(Image.new("RGB", (16, 16)), name))
    if name == "BMP":
        data[18:26] = width.to_bytes(4, "little") + height.to_bytes(4, "little")
    elif name == "GIF":
        data[6:10] = width.to_bytes(2, "little") + height.to_bytes(2, "little")
    elif name == "JPEG":
        start = data.index(b"\xff\xc0") + 5
        data[start : start + 4] = height.to_bytes(2) + width.to_bytes(2)
    else:
        return png_header(width, height)
    return bytes(data)


@pytest.mark.parametrize(
    ("name", "size"),
    [("PNG", (50_000, 50_000)), ("BMP", (50_000, 50_000)), ("GIF", (65_535, 65_535)), ("JPEG", (65_500, 65_500))],
)
def test_a_picture_of_too_many_pixels_is_refused_by_its_header(name: str, size: tuple[int, int]) -> None:
    assert problem(claims(name, *size)) == "image_too_many_pixels"


@pytest.mark.parametrize(("size", "taken"), [((1000, 1000), True), ((1000, 1001), False)])
def test_the_limit_itself_is_allowed(size: tuple[int, int], taken: bool) -> None:
    data = encoded(Image.new("1", size))

    if taken:
        assert normalise(data, max_megapixels=1).width == 1000
    else:
        assert problem(data, max_megapixels=1) == "image_too_many_pixels"


@pytest.mark.parametrize("side", [10_000, 14_000, 20_000])
def test_only_the_setting_limits_the_pixels(side: int) -> None:
    assert problem(png_header(side, side), max_megapixels=500) == "image_undecodable"


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1)])
def test_the_thinnest_picture_is_one(size: tuple[int, int]) -> None:
    picture = normalise(encoded(Image.new("RGB", size)))

    assert (picture.width, picture.height) == size


@pytest.mark.parametrize("size", [(0, 0), (0, 5), (5, 0)])
def test_a_picture_without_pixels_is_none(size: tuple[int, int]) -> None:
    assert problem(png_header(*size)) == "image_undecodable"


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP"])
def test_a_picture_stands_upright(name: str, orientation: int) -> None:
    method = TURNED[orientation]
    stored = corners() if method is None else corners().transpose(method)

    picture = normalise(encoded(stored, name, exif=exif(orientation)))

    assert (picture.width, picture.height) == (32, 16)
    assert corner_colours(decoded(picture.data)) == CORNERS


@pytest.mark.parametrize("broken", [b"Exif\0\0nonsense", b"Exif\0\0II*\0\xff\xff\xff\xff", exif(6)[:20], exif(99)])
def test_exif_that_makes_no_sense_hinders_nothing(broken: bytes) -> None:
    assert corner_colours(decoded(normalise(encoded(corners(), "JPEG", exif=broken)).data)) == CORNERS


def with_everything(name: str) -> bytes:
    """A picture with the marker in each place where its format has room for text."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() + MARKER
    text = PngInfo()
    for key in ("Comment", "Author", "XML:com.adobe.xmp", "parameters"):
        text.add_itxt(key, MARKER.decode())
    options = {
        "PNG": {"exif": exif(1), "icc_profile": profile, "pnginfo": text, "dpi": (300, 300)},
        "JPEG": {"exif": exif(1), "icc_profile": profile, "comment": MARKER, "xmp": MARKER, "dpi": (300, 300)},
        "WEBP": {"exif": exif(1), "icc_profile": profile, "xmp": MARKER},
        "GIF": {"comment": MARKER},
    }
    return encoded(corners(), name, **options[name])


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "GIF"])
def test_nothing_but_pixels_is_kept(name: str) -> None:
    data = with_everything(name)

    kept = normalise(data).data

    assert data.count(MARKER) > 0
    assert MARKER not in kept
    assert set(decoded(kept).info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP"])
def test_colours_of_another_profile_become_srgbs(name: str) -> None:
    kept = decoded(normalise(encoded(Image.new("RGB", (16, 16), RED), name, icc_profile=swapped_profile())).data)

    assert corner_colours(kept) == [GREEN] * 4


def test_what_is_transparent_stays_so_in_another_profile() -> None:
    see_through = Image.new("RGBA", (8, 8), (*RED, 77))

    kept = decoded(normalise(encoded(see_through, icc_profile=swapped_profile())).data)

    assert (kept.mode, kept.getpixel((0, 0))[3]) == ("RGBA", 77)
    assert corner_colours(kept) == [GREEN] * 4


@pytest.mark.parametrize("profile", [b"nonsense", swapped_profile()[:200], b"\0" * 128, swapped_profile()[:-9]])
def test_a_profile_that_makes_no_sense_hinders_nothing(profile: bytes) -> None:
    assert normalise(encoded(corners(), "JPEG", icc_profile=profile)).width == 32


def test_a_profile_of_other_colours_is_left_out() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()

    assert corner_colours(decoded(normalise(encoded(corners(), icc_profile=lab)).data)) == CORNERS
