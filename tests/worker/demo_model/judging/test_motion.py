"""What moves in a row of masks is told by the masks alone."""

from collections.abc import Callable
from math import cos, pi, sin

import numpy as np
import pytest
from PIL import Image, ImageDraw

from worker.demo_model.judging.asked import MOTIONS
from worker.demo_model.judging.motion import STILL, motion, turned

SIDE, FRAMES = 96, 16
MOON = [(cos(n / 10), sin(n / 10)) for n in range(8, 56)] + [
    (0.4 + 0.7 * cos(n / 10), 0.7 * sin(n / 10)) for n in range(54, 10, -4)
]
FLAG = [(-0.9, -0.6), (0.9, -0.6), (0.9, 0.1), (-0.5, 0.1), (-0.5, 0.9), (-0.9, 0.9)]
STAR = [((1 if n % 2 else 0.42) * sin(n * pi / 5), (1 if n % 2 else 0.42) * cos(n * pi / 5)) for n in range(10)]
SQUARE = [(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)]
DISC = [(cos(n * pi / 20), sin(n * pi / 20)) for n in range(40)]
SHAPES = {"flag": FLAG, "star": STAR, "square": SQUARE, "disc": DISC, "moon": MOON}

# For a time from 0 to 1: the centre, the radius, and the turn in degrees.
State = tuple[float, float, float, float]
WAYS: dict[str, Callable[[float], State]] = {
    "left": lambda t: (0.75 - 0.45 * t, 0.5, 0.16, 0),
    "right": lambda t: (0.25 + 0.45 * t, 0.5, 0.16, 0),
    "up": lambda t: (0.5, 0.75 - 0.45 * t, 0.16, 0),
    "down": lambda t: (0.5, 0.25 + 0.45 * t, 0.16, 0),
    "rotate": lambda t: (0.5, 0.5, 0.25, 95 * t),
    "grow": lambda t: (0.5, 0.5, 0.15 * (1 + 0.6 * t), 0),
    "shrink": lambda t: (0.5, 0.5, 0.25 / (1 + 0.6 * t), 0),
    "bounce": lambda t: (0.5, 0.75 - 0.3 * abs(sin(2 * pi * t)), 0.16, 0),
    STILL: lambda t: (0.5, 0.5, 0.2, 0),
}


def clip(shape: str, way: Callable[[float], State], count: int = FRAMES) -> list[np.ndarray]:
    return [mask(shape, *way(number / (count - 1))) for number in range(count)]


def mask(shape: str, x: float, y: float, radius: float, turn: float) -> np.ndarray:
    picture = Image.new("1", (SIDE, SIDE))
    a, b = cos(turn * pi / 180), sin(turn * pi / 180)
    corners = [(SIDE * (x + radius * (u * a - v * b)), SIDE * (y + radius * (u * b + v * a))) for u, v in SHAPES[shape]]
    ImageDraw.Draw(picture).polygon(corners, fill=1)
    return np.asarray(picture)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", [*MOTIONS, STILL])
def test_every_motion_is_told_from_the_others(shape: str, name: str) -> None:
    expected = STILL if (shape, name) == ("disc", "rotate") else name

    assert motion(clip(shape, WAYS[name])) == expected


@pytest.mark.parametrize("shape", ["flag", "star", "square", "moon"])
@pytest.mark.parametrize("degrees", [-130, -90, 90, 130])
def test_the_turn_is_measured_whichever_way_it_goes(shape: str, degrees: int) -> None:
    found = turned(clip(shape, lambda t: (0.5, 0.5, 0.3, degrees * t)))

    assert found == pytest.approx(degrees, abs=15)


@pytest.mark.parametrize(
    "way",
    [
        lambda t: (0.5 + 0.08 * t, 0.5, 0.2, 0),
        lambda t: (0.5, 0.5 - 0.05 * abs(sin(2 * pi * t)), 0.2, 0),
        lambda t: (0.5, 0.5, 0.2 * (1 + 0.2 * t), 0),
        lambda t: (0.5, 0.5, 0.2, 30 * t),
        lambda t: (0.3 + 0.4 * t, 0.3 + 0.4 * t, 0.2, 0),
    ],
    ids=["a little to the right", "a little hop", "a little larger", "turned a little", "askew"],
)
def test_too_little_of_a_motion_is_none(way: Callable[[float], State]) -> None:
    assert motion(clip("flag", way)) == STILL


def test_what_jumps_to_and_fro_is_not_moving_right() -> None:
    there = [mask("star", 0.3, 0.5, 0.15, 0), mask("star", 0.7, 0.5, 0.15, 0)]

    assert motion(there * 8) == STILL
