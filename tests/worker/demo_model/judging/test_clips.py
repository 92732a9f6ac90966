"""A clip is right when the asked object does what was asked, and when it begins as the picture that was given."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from tests.worker.demo_model.judging.painted import item, single, square_picture
from worker.demo_model.judging.asked import MOTIONS, ROUND, Request, Thing, held_out, moving_requests
from worker.demo_model.judging.clips import ClipVerdict, clip_figures, judge_clip, signal_to_noise
from worker.demo_model.motions import Clip
from worker.demo_model.scenes import Scene

# From where and how much, so that the object stays within the picture.
WAYS: dict[str, tuple[float, float, float]] = {
    "left": (0.75, 0.5, 0.45),
    "right": (0.25, 0.5, 0.45),
    "up": (0.5, 0.75, 0.45),
    "down": (0.5, 0.25, 0.45),
    "rotate": (0.5, 0.5, 0.25),
    "grow": (0.5, 0.5, 1.8),
    "shrink": (0.5, 0.5, 1.8),
    "bounce": (0.5, 0.75, 0.3),
}


def clip(motion: str, kind: str = "car", colour: str = "red") -> list[Image.Image]:
    x, y, amount = WAYS[motion]
    painted = Clip(Scene("white", (item(kind, colour, x, y, 0.2),)), motion, amount)
    return [Image.fromarray(frame) for frame in painted.frames(17)]


def asked(motion: str, kind: str = "car", colour: str = "red", background: str = "white") -> Request:
    return Request(background, (Thing(kind, colour),), motion=motion)


def with_another(frame: Image.Image) -> Image.Image:
    frame.paste((30, 70, 220), (10, 95, 40, 120))
    return frame


@pytest.mark.parametrize("motion", MOTIONS)
def test_a_clip_is_right_for_its_own_motion_and_for_no_other(motion: str) -> None:
    frames = clip(motion)

    found = {other: judge_clip(frames, asked(other)) for other in (motion, *{"left", "grow", "rotate"} - {motion})}

    assert found.pop(motion) == ClipVerdict(object=True, motion=True, seen=motion)
    assert all(verdict == ClipVerdict(object=True, motion=False, seen=motion) for verdict in found.values())


@pytest.mark.parametrize(
    "request_", [asked("up", kind="house"), asked("up", colour="blue"), asked("up", background="grey")], ids=str
)
def test_a_clip_of_something_else_has_the_wrong_object(request_: Request) -> None:
    assert judge_clip(clip("up"), request_) == ClipVerdict(object=False, motion=True, seen="up")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda frames: [*frames[:8], *[Image.new("RGB", (128, 128), "white")] * 9],
        lambda frames: [*frames[:8], *[square_picture(single("car", "blue", "white"))] * 9],
        lambda frames: [*frames[:8], *map(with_another, frames[8:])],
    ],
    ids=["it vanishes", "it changes its colour", "another one comes along"],
)
def test_an_object_must_be_there_throughout(spoil: Callable[[list[Image.Image]], list[Image.Image]]) -> None:
    assert not judge_clip(spoil(clip("right")), asked("right")).object


def test_a_clip_that_does_not_move_is_still() -> None:
    frames = clip("grow")[:1] * 17

    assert judge_clip(frames, asked("grow")) == ClipVerdict(object=True, motion=False, seen="still")


def test_a_clip_of_nothing_is_still_and_has_no_object() -> None:
    frames = [Image.new("RGB", (128, 128), "white")] * 17

    assert judge_clip(frames, asked("grow")) == ClipVerdict(object=False, motion=False, seen="still")


def test_requests_that_move_are_held_out_and_what_is_round_does_not_turn() -> None:
    moving = moving_requests(300, seed=1)

    assert all(held_out(request) for request in moving)
    assert {request.motion for request in moving} == set(MOTIONS)
    assert not any(request.motion == "rotate" and request.things[0].kind in ROUND for request in moving)
    assert moving_requests(300, seed=1) == moving


@pytest.mark.parametrize(("off", "decibels"), [(1, 48.13), (10, 28.13), (255, 0.0)])
def test_the_likeness_to_the_given_picture_is_the_peak_signal_to_noise_ratio(off: int, decibels: float) -> None:
    given, drawn = (Image.fromarray(np.full((8, 8, 3), value, np.uint8)) for value in (0, off))

    assert math.isclose(signal_to_noise(drawn, given), decibels, abs_tol=0.01)
    assert signal_to_noise(given, given) == 100


def test_the_figures_count_objects_motions_and_both() -> None:
    right, other = ClipVerdict(True, True, "up"), ClipVerdict(True, False, "still")

    found = clip_figures([(asked("up"), right), (asked("up"), other), (asked("left"), other)])

    assert found["clips"] == 3
    assert {mark: share["percent"] for mark, share in found["right"].items()} == {
        "object": 100.0,
        "motion": 33.3,
        "everything": 33.3,
    }
    assert found["seen_as"] == {"left": {"still": 1}, "up": {"up": 1, "still": 1}}
