"""The judge tells painted scenes apart from their pixels alone, and takes no wrong one for a right one."""

import random
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from tests.worker.demo_model.judging.painted import asked_for, item, scenes, single, square_picture
from worker.demo_model.judging.asked import BACKGROUNDS, HOLDERS, PLACES, Request, Thing
from worker.demo_model.judging.colours import NAMES
from worker.demo_model.judging.seeing import look
from worker.demo_model.judging.silhouettes import KINDS
from worker.demo_model.judging.verdicts import Verdict, compare, judge
from worker.demo_model.painting import paint
from worker.demo_model.scenes import Scene

SPOTS = (0.26, 0.5, 0.74)


def drifted(picture: Image.Image, seed: int) -> Image.Image:
    """As a network would draw it: soft edges, colours a little off, noise."""
    noise = np.random.default_rng(seed)
    pixels = np.asarray(picture.filter(ImageFilter.GaussianBlur(0.7))).astype(float)
    pixels += noise.normal(0, 4, pixels.shape) + noise.normal(0, 4, 3)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def wrong(found: Verdict) -> set[str]:
    """The attributes that are not right."""
    return {
        name for name in ("background", "objects", "colours", "shapes", "position", "size") if not getattr(found, name)
    }


def test_a_hundred_painted_scenes_are_right_in_everything() -> None:
    painted = scenes(100, "right")

    right = [judge(paint(scene), asked_for(scene)).everything for scene in painted]

    assert all(right)


@pytest.mark.parametrize(("width", "height"), [(96, 96), (160, 160), (160, 96), (96, 128)])
def test_in_other_sizes_all_but_one_are(width: int, height: int) -> None:
    painted = scenes(24, f"{width} {height}")

    right = [judge(paint(scene, width, height), asked_for(scene)).everything for scene in painted]

    assert sum(right) >= 23


def test_soft_edges_noise_and_slightly_other_colours_do_no_harm() -> None:
    painted = scenes(40, "drift")

    right = [judge(drifted(paint(scene), number), asked_for(scene)).everything for number, scene in enumerate(painted)]

    assert sum(right) >= 39


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_is_taken_for_another(kind: str) -> None:
    view = look(square_picture(single(kind)))

    as_kinds = {other: compare(view, Request("grey", (Thing(other, "red"),))) for other in KINDS}

    assert [other for other, found in as_kinds.items() if found.everything] == [kind]
    assert all(wrong(found) == {"shapes"} for other, found in as_kinds.items() if other != kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_known_also_with_its_corners_worn_off(kind: str) -> None:
    soft = square_picture(single(kind, radius=0.25)).filter(ImageFilter.GaussianBlur(2))

    assert judge(soft, Request("grey", (Thing(kind, "red"),))).everything


@pytest.mark.parametrize("kind", ["car", "fish", "sun"])
def test_parts_in_quite_another_tone_belong_to_a_thing(kind: str) -> None:
    pixels = np.asarray(square_picture(single(kind, "orange", "white", radius=0.3))).copy()
    pixels[(pixels == (172, 91, 14)).all(axis=2)] = (30, 150, 50)

    found = judge(Image.fromarray(pixels), Request("white", (Thing(kind, "orange"),)))

    assert found.everything
    assert (pixels == (30, 150, 50)).all(axis=2).any()


@pytest.mark.parametrize("colour", NAMES)
@pytest.mark.parametrize("kind", ["circle", "house"])
def test_no_colour_is_taken_for_another(kind: str, colour: str) -> None:
    background = "white" if colour == "grey" else "grey"
    view = look(square_picture(single(kind, colour, background)))

    as_colours = {other: compare(view, Request(background, (Thing(kind, other),))) for other in NAMES}

    assert [other for other, found in as_colours.items() if found.everything] == [colour]
    assert all(wrong(found) == {"colours"} for other, found in as_colours.items() if other != colour)


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_no_background_is_taken_for_another(background: str) -> None:
    colour = "green" if background == "red" else "red"
    view = look(square_picture(single("star", colour, background)))

    as_backgrounds = {other: compare(view, Request(other, (Thing("star", colour),))) for other in BACKGROUNDS}

    assert [other for other, found in as_backgrounds.items() if found.everything] == [background]
    assert all(wrong(found) == {"background"} for other, found in as_backgrounds.items() if other != background)


@pytest.mark.parametrize("number", range(9))
def test_no_place_is_taken_for_another(number: int) -> None:
    view = look(square_picture(single(x=SPOTS[number % 3], y=SPOTS[number // 3])))

    as_places = {place: compare(view, Request("grey", (Thing("car", "red", None, place),))) for place in PLACES}

    assert [place for place, found in as_places.items() if found.everything] == [PLACES[number]]
    assert all(wrong(found) == {"position"} for place, found in as_places.items() if place != PLACES[number])


@pytest.mark.parametrize(
    ("radius", "size"),
    [(0.11, "small"), (0.14, "small"), (0.18, "medium"), (0.23, "medium"), (0.29, "large"), (0.34, "large")],
)
@pytest.mark.parametrize("kind", ["square", "fish", "moon"])
def test_no_size_is_taken_for_another(kind: str, radius: float, size: str) -> None:
    view = look(square_picture(single(kind, radius=radius)))

    as_sizes = {
        other: compare(view, Request("grey", (Thing(kind, "red", other),))) for other in ("small", "medium", "large")
    }

    assert [other for other, found in as_sizes.items() if found.everything] == [size]
    assert all(wrong(found) == {"size"} for other, found in as_sizes.items() if other != size)


@pytest.mark.parametrize(
    ("relation", "first", "second"),
    [
        ("left", (0.26, 0.45), (0.74, 0.55)),
        ("right", (0.74, 0.45), (0.26, 0.55)),
        ("above", (0.45, 0.26), (0.55, 0.74)),
        ("below", (0.45, 0.74), (0.55, 0.26)),
    ],
)
def test_no_relation_is_taken_for_another(
    relation: str, first: tuple[float, float], second: tuple[float, float]
) -> None:
    things = (Thing("star", "red"), Thing("boat", "blue"))
    painted = Scene("white", (item("star", "red", *first, 0.15), item("boat", "blue", *second, 0.15)), relation)
    view = look(square_picture(painted))

    relations = ("left", "right", "above", "below", "inside")
    as_relations = {other: compare(view, Request("white", things, other)) for other in relations}

    assert [other for other, found in as_relations.items() if found.everything] == [relation]
    assert all(wrong(found) == {"position"} for other, found in as_relations.items() if other != relation)


@pytest.mark.parametrize("holder", HOLDERS)
def test_what_is_held_is_inside_its_holder_and_not_the_other_way_round(holder: str) -> None:
    painted = Scene("beach", (item("tree", "green", radius=0.13), item(holder, "red", radius=0.4)), "inside")
    view = look(square_picture(painted))
    held, holding = Thing("tree", "green"), Thing(holder, "red")

    assert compare(view, Request("beach", (held, holding), "inside")).everything
    assert wrong(compare(view, Request("beach", (holding, held), "inside"))) == {"position"}
    assert wrong(compare(view, Request("beach", (held, holding), "above"))) == {"position"}


def test_three_in_a_row_must_stand_in_the_asked_order() -> None:
    items = tuple(
        item(kind, "blue", x, 0.5, 0.12) for kind, x in zip(("moon", "cross", "sun"), (0.19, 0.5, 0.81), strict=True)
    )
    view = look(square_picture(Scene("snow", items, "row")))
    moon, cross, sun = (Thing(kind, "blue") for kind in ("moon", "cross", "sun"))

    assert compare(view, Request("snow", (moon, cross, sun), "row")).everything
    assert wrong(compare(view, Request("snow", (cross, moon, sun), "row"))) == {"position"}


def test_a_pair_with_swapped_colours_is_wrong() -> None:
    painted = Scene("white", (item("star", "red", 0.26, 0.5, 0.15), item("boat", "blue", 0.74, 0.5, 0.15)), "left")

    found = judge(square_picture(painted), Request("white", (Thing("star", "blue"), Thing("boat", "red")), "left"))

    assert not found.everything
    assert found.background
    assert found.objects


@pytest.mark.parametrize("extra", [(0.15, 0.15, 0.06), (0.5, 0.5, 0.08)], ids=["beside it", "upon it"])
def test_an_object_too_many_is_wrong(extra: tuple[float, float, float]) -> None:
    asked = single("circle", radius=0.3)
    painted = replace(asked, items=(item("star", "yellow", *extra), *asked.items))

    assert judge(square_picture(asked), Request("grey", (Thing("circle", "red"),))).everything
    assert wrong(judge(square_picture(painted), Request("grey", (Thing("circle", "red"),)))) >= {"objects", "shapes"}


def test_an_object_too_few_is_wrong() -> None:
    asked = Request("grey", (Thing("car", "red"), Thing("car", "blue")), "left")

    assert wrong(judge(square_picture(single()), asked)) == {"objects", "colours", "shapes", "position", "size"}


def test_an_empty_picture_is_nothing_but_background() -> None:
    empty = Image.new("RGB", (128, 128), (0, 0, 0))

    found = judge(empty, Request("black", (Thing("car", "red"),)))

    assert wrong(found) == {"objects", "colours", "shapes", "position", "size"}


def test_a_shape_that_is_none_of_the_kinds_is_unknown() -> None:
    picture = Image.new("RGB", (128, 128), "white")
    corner = [(30, 30), (50, 30), (50, 80), (100, 80), (100, 100), (30, 100)]
    ImageDraw.Draw(picture).polygon(corner, fill=(220, 30, 35))

    assert [one.kind for one in look(picture).objects] == ["unknown"]


def test_an_object_of_two_colours_is_no_object_of_one() -> None:
    picture = square_picture(single("circle", "red", "white", radius=0.3))
    half = square_picture(single("circle", "blue", "white", radius=0.3)).crop((64, 0, 128, 128))
    picture.paste(half, (64, 0))

    assert not judge(picture, Request("white", (Thing("circle", "red"),))).everything
    assert not judge(picture, Request("white", (Thing("circle", "blue"),))).everything


def test_a_background_of_two_colours_is_none_of_them() -> None:
    picture = square_picture(single("circle", "red", "white", radius=0.1))
    picture.paste((30, 150, 50), (0, 0, 128, 55))

    assert look(picture).background == "unclear"


def test_noise_is_no_picture_of_anything() -> None:
    pixels = random.Random(1).randbytes(128 * 128 * 3)  # noqa: S311 - noise keeps no secret

    assert not judge(Image.frombytes("RGB", (128, 128), pixels), Request("grey", (Thing("car", "red"),))).everything
