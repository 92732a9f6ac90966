"""Pictures show what the scene says, at every size, and nothing is painted that is not in it."""

import random

import numpy as np
import pytest

from worker.demo_model.painting import paint, placed, silhouette
from worker.demo_model.scenes import COLOURS, KINDS, SCENERIES, Item, Scene, held_out, random_scene, visible_colours

SEEDS = range(200)


def scene_of(seed: int) -> Scene:
    return random_scene(random.Random(seed))  # noqa: S311 - it draws pictures


def alone(kind: str, colour: str = "blue", background: str = "white") -> Scene:
    return Scene(background, (Item(kind, colour, "large", 0.5, 0.5, 0.35),))


def test_the_same_scene_gives_the_same_bytes() -> None:
    assert [paint(scene_of(seed)).tobytes() for seed in range(5)] == [
        paint(scene_of(seed)).tobytes() for seed in range(5)
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_most_of_an_object_has_its_colour(kind: str) -> None:
    pixels = np.asarray(paint(alone(kind))).reshape(-1, 3)
    inside = pixels[np.abs(pixels.astype(int) - 255).sum(1) > 60]

    assert (np.median(inside, axis=0) == COLOURS["blue"]).all()


def test_no_two_kinds_look_the_same() -> None:
    masks = {kind: np.asarray(paint(alone(kind)))[..., 0] < 200 for kind in KINDS}

    for first in KINDS:
        for second in KINDS:
            overlap = (masks[first] & masks[second]).sum() / (masks[first] | masks[second]).sum()
            assert first == second or overlap < 0.9, (first, second)


@pytest.mark.parametrize("background", [*COLOURS, *SCENERIES])
@pytest.mark.parametrize("size", [(128, 128), (160, 96)])
def test_a_picture_has_the_asked_size_and_shows_its_object_before_every_background(
    background: str, size: tuple[int, int]
) -> None:
    colour = visible_colours(background)[0]
    picture = paint(alone("square", colour, background), *size)

    assert picture.size == size
    assert picture.getpixel((size[0] // 2, size[1] // 2)) == COLOURS[colour]
    assert picture.getpixel((1, 1)) != COLOURS[colour]


def test_every_object_of_a_scene_lies_within_its_picture() -> None:
    for item in (item for seed in SEEDS for item in scene_of(seed).items):
        points = [point for outline in silhouette(item.kind) for point in placed(item, outline, 1, 1)]
        assert all(-0.02 <= part <= 1.02 for point in points for part in point), item


def test_scenes_to_learn_from_hold_nothing_that_is_kept_for_the_evaluation() -> None:
    assert not any(held_out(scene_of(seed)) for seed in SEEDS)


def test_scenes_show_all_there_is() -> None:
    scenes = [scene_of(seed) for seed in range(1500)]

    assert {item.kind for scene in scenes for item in scene.items} == set(KINDS)
    assert {item.colour for scene in scenes for item in scene.items} == set(COLOURS)
    assert {scene.background for scene in scenes} == {*COLOURS, *SCENERIES}
    assert {len(scene.items) for scene in scenes} == {1, 2, 3}
