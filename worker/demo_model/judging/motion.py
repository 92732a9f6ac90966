"""What a moving object does, told by its masks from frame to frame; knows nothing of colours or kinds."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import hypot, sqrt

import numpy as np
from PIL import Image

from worker.demo_model.judging.colours import Mask

STILL = "still"
# Shares of the picture's sides: a way, and a hop that ends about where it began.
LEAST_WAY = 0.2
LEAST_HOP = 0.12
# The other direction's part in a way that is straight, and the steps that may go back.
ASKEW = 0.5
BACKWARDS = 0.25
LEAST_GROWTH = 1.4
LEAST_TURN = 60
# A star looks the same after 72 degrees, so no single step may be as large as half of that.
FARTHEST_STEP, FINEST_STEP = 34, 2
FRAMES_A_STEP = 3
TURNED_SIDE = 64
SMOOTH = Image.Resampling.BILINEAR


@dataclass(frozen=True)
class Track:
    """Over the frames: the centre as fractions of the sides, and the radius of a disc of the same area, in pixels."""

    x: np.ndarray
    y: np.ndarray
    radius: np.ndarray


def motion(masks: Sequence[Mask]) -> str:
    """The one motion that the masks show, or that the object stays as it is."""
    track = _track(masks)
    growth = float(track.radius[-1] / track.radius[0])
    if (direction := _direction(track)) is not None:
        return direction
    if growth >= LEAST_GROWTH or growth <= 1 / LEAST_GROWTH:
        return "grow" if growth > 1 else "shrink"
    if _bounces(track):
        return "bounce"
    return "rotate" if abs(turned(masks)) >= LEAST_TURN else STILL


def turned(masks: Sequence[Mask]) -> float:
    """How many degrees clockwise the object turns from the first frame to the last."""
    upright = [_centred(mask) for mask in masks[::FRAMES_A_STEP]]
    return float(sum(_turn(first, second) for first, second in pairwise(upright)))


def _track(masks: Sequence[Mask]) -> Track:
    places = [np.nonzero(mask) for mask in masks]
    height, width = masks[0].shape
    return Track(
        x=np.array([columns.mean() / width for _, columns in places]),
        y=np.array([rows.mean() / height for rows, _ in places]),
        radius=np.array([sqrt(len(rows) / np.pi) for rows, _ in places]),
    )


def _direction(track: Track) -> str | None:
    right, down = float(track.x[-1] - track.x[0]), float(track.y[-1] - track.y[0])
    along, across = max(abs(right), abs(down)), min(abs(right), abs(down))
    if hypot(right, down) < LEAST_WAY or across > ASKEW * along:
        return None
    steps = np.diff(track.x) * np.sign(right) if abs(right) > abs(down) else np.diff(track.y) * np.sign(down)
    if (steps < 0).mean() > BACKWARDS:
        return None
    if abs(right) > abs(down):
        return "right" if right > 0 else "left"
    return "down" if down > 0 else "up"


def _bounces(track: Track) -> bool:
    """Up and back again, or down and back again, by more than what is left between start and end."""
    way = track.y - np.linspace(track.y[0], track.y[-1], len(track.y))
    hop = float(np.abs(way).max())
    sideways = float(np.ptp(track.x))
    return hop >= LEAST_HOP and hop > abs(float(track.y[-1] - track.y[0])) and hop > sideways


def _turn(first: Image.Image, second: Image.Image) -> int:
    """The turn of the first that covers the second best."""
    target = np.asarray(second) > 127
    angles = sorted(range(-FARTHEST_STEP, FARTHEST_STEP + 1, FINEST_STEP), key=abs)
    return max(angles, key=lambda angle: _overlap(np.asarray(first.rotate(-angle, SMOOTH)) > 127, target))


def _centred(mask: Mask) -> Image.Image:
    """The object cut out around its centre of gravity, with room to turn, at a fixed size."""
    rows, columns = np.nonzero(mask)
    y, x = rows.mean(), columns.mean()
    reach = float(np.hypot(rows - y, columns - x).max()) + 1
    around = (x - reach, y - reach, x + reach, y + reach)
    picture = Image.fromarray(mask.astype(np.uint8) * 255)
    return picture.transform((TURNED_SIDE, TURNED_SIDE), Image.Transform.EXTENT, around, SMOOTH)


def _overlap(first: Mask, second: Mask) -> float:
    return float((first & second).sum() / max((first | second).sum(), 1))
