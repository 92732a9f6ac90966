"""Scenes come from the seed alone, and their pictures show what their words say."""

import random

import pytest
from PIL import Image

from worker.demo_model.captions import caption, vocabulary
from worker.demo_model.detector import judge
from worker.demo_model.held_out import prompt
from worker.demo_model.scenes import COLOURS, SHAPES, Item, Scene, outline, paint, random_scene

SEEDS = range(40)


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - it draws pictures


def scene_of(seed: int) -> Scene:
    return random_scene(seeded(seed))


def test_the_same_seed_gives_the_same_scene_words_and_picture() -> None:
    def made(seed: int) -> tuple[str, bytes]:
        rng = seeded(seed)
        scene = random_scene(rng)
        return caption(scene, rng), paint(scene).tobytes()

    assert [made(seed) for seed in SEEDS] == [made(seed) for seed in SEEDS]


def test_other_seeds_give_other_scenes() -> None:
    assert len({scene_of(seed) for seed in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_painted_scene_satisfies_the_detector_in_everything(seed: int) -> None:
    scene = scene_of(seed)
    assert judge(paint(scene), scene).everything


def test_every_object_lies_within_its_picture() -> None:
    corners = [corner for seed in SEEDS for item in scene_of(seed).items for corner in outline(item)]
    assert all(0 <= x <= 1 and 0 <= y <= 1 for x, y in corners)


def test_a_picture_has_the_asked_size_and_only_the_scenes_colours_away_from_edges() -> None:
    picture = paint(Scene("white", (Item("square", "blue", "large", 0.5, 0.5, 0.3),)), side=96)
    assert picture.size == (96, 96)
    assert picture.getpixel((2, 2)) == COLOURS["white"]
    assert picture.getpixel((48, 48)) == COLOURS["blue"]


def test_the_detector_refuses_a_picture_of_something_else() -> None:
    asked = Scene("white", (Item("circle", "red", "medium", 0.5, 0.5, 0.2),))
    assert not judge(Image.new("RGB", (128, 128), COLOURS["white"]), asked).colours
    assert not judge(paint(Scene("black", asked.items)), asked).background
    square = Scene("white", (Item("square", "red", "medium", 0.5, 0.5, 0.2),))
    assert not judge(paint(square), asked).shapes


def test_the_detector_sees_on_which_side_the_first_object_lies() -> None:
    left, right = (
        Item("circle", "red", "medium", 0.26, 0.5, 0.15),
        Item("star", "blue", "medium", 0.74, 0.5, 0.15),
    )
    picture = paint(Scene("white", (left, right), "left"))
    assert judge(picture, Scene("white", (left, right), "left")).position
    assert not judge(picture, Scene("white", (left, right), "right")).position


@pytest.mark.parametrize("seed", SEEDS)
def test_a_prompt_names_the_background_and_every_object(seed: int) -> None:
    scene = scene_of(seed)
    words = prompt(scene)
    assert words.endswith(f" {scene.background} background")
    assert all(f"{item.colour} {item.shape}" in words for item in scene.items)


def test_captions_of_one_scene_differ_but_never_name_another_colour_or_shape() -> None:
    scene = Scene("white", (Item("star", "red", "small", 0.26, 0.26, 0.12),))
    rng = seeded(3)
    words = {caption(scene, rng) for _ in range(200)}
    strangers = ({*COLOURS} - {"white", "red"}) | ({*SHAPES} - {"star"})
    assert len(words) > 50
    assert not any(strangers & set(said.replace(",", "").split()) for said in words)


def test_the_vocabulary_holds_every_colour_and_shape() -> None:
    assert {*COLOURS, *SHAPES} <= set(vocabulary())
