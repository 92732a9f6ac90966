"""Clips come from the seed alone, and their object does what the motion says without leaving the picture."""

import random

import numpy as np
import pytest

from worker.demo_model.motions import FRAMES, Clip, random_clip
from worker.demo_model.painting import placed, silhouette
from worker.demo_model.scenes import MOTIONS, TURNING, Item, Scene

SEEDS = range(60)


def clip_of(seed: int) -> Clip:
    return random_clip(random.Random(seed))  # noqa: S311 - it draws clips


def still(motion: str, amount: float) -> Clip:
    return Clip(Scene("white", (Item("star", "red", "medium", 0.5, 0.5, 0.2),)), motion, amount)


def test_the_same_seed_gives_the_same_clip() -> None:
    assert [clip_of(seed) for seed in SEEDS] == [clip_of(seed) for seed in SEEDS]


def test_all_motions_come_and_only_what_shows_it_turns() -> None:
    clips = [clip_of(seed) for seed in SEEDS]

    assert {clip.motion for clip in clips} == set(MOTIONS)
    assert {clip.scene.items[0].kind for clip in clips if clip.motion == "rotate"} <= set(TURNING)


def test_the_object_stays_in_the_picture_all_the_time() -> None:
    for clip in map(clip_of, SEEDS):
        for time in np.linspace(0, 1, FRAMES):
            (item,) = clip.at(time).items
            points = [point for outline in silhouette(item.kind) for point in placed(item, outline, 1, 1)]
            assert all(-0.02 <= part <= 1.02 for point in points for part in point), clip


@pytest.mark.parametrize(
    ("motion", "right", "down"), [("left", -0.4, 0), ("right", 0.4, 0), ("up", 0, -0.4), ("down", 0, 0.4)]
)
def test_it_goes_where_the_word_says(motion: str, right: float, down: float) -> None:
    (last,) = still(motion, 0.4).at(1).items

    assert (last.x - 0.5, last.y - 0.5) == pytest.approx((right, down))


@pytest.mark.parametrize(("motion", "radius"), [("grow", 0.4), ("shrink", 0.1)])
def test_it_changes_its_size(motion: str, radius: float) -> None:
    assert still(motion, 2).at(1).items[0].radius == pytest.approx(radius)


def test_it_turns() -> None:
    assert still("rotate", 0.3).at(0.5).items[0].turn == pytest.approx(0.15)


def test_it_bounces_and_comes_back_to_the_ground_each_time() -> None:
    heights = [still("bounce", 0.3).at(time).items[0].y for time in (0, 0.25, 0.5, 0.75, 1)]

    assert heights == pytest.approx([0.5, 0.2, 0.5, 0.2, 0.5])


def test_frames_are_pictures_from_the_first_to_the_last() -> None:
    clip = still("right", 0.2)
    frames = clip.frames(5, 64)

    reds = [np.nonzero((frame[..., 1] < 128).any(axis=0))[0].mean() / 64 for frame in frames]

    assert frames.shape == (5, 64, 64, 3)
    assert reds == pytest.approx([0.5, 0.55, 0.6, 0.65, 0.7], abs=0.02)
