"""The outlines of the fourteen kinds, drawn by hand, and which of them a patch looks like."""

from functools import cache
from math import cos, pi, sin

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from worker.demo_model.judging.colours import Mask
from worker.demo_model.judging.patches import box

KINDS = (
    "circle", "square", "triangle", "diamond", "star", "heart", "cross", "moon",
    "house", "tree", "sun", "car", "boat", "fish",
)  # fmt: skip
UNKNOWN = "unknown"
SIDE = 48
CANVAS = 400
UNIT = 160
# How much a wrong proportion of width to height costs, against the covered share.
STRETCH_COST = 0.4
# What is less like any kind is of none.
LEAST_LIKENESS = 0.7
# How far corners are worn off, in units of the radius, since what is drawn small is drawn soft; a sun that is worn as
# far as that is a circle.
WORN = (0.0, 0.06, 0.12)
LESS_WORN = {"sun": WORN[:2]}

Outline = list[tuple[float, float]]

# In units of the object's radius, y pointing down; what a polygon cannot say is a disc: x, y, radius across and down.
POLYGONS: dict[str, list[Outline]] = {
    "square": [[(-0.86, -0.86), (0.86, -0.86), (0.86, 0.86), (-0.86, 0.86)]],
    "triangle": [[(0, -0.95), (1, 0.85), (-1, 0.85)]],
    "diamond": [[(0, -1.05), (0.8, 0), (0, 1.05), (-0.8, 0)]],
    "cross": [
        [(-0.32, -0.95), (0.32, -0.95), (0.32, 0.95), (-0.32, 0.95)],
        [(-0.95, -0.32), (0.95, -0.32), (0.95, 0.32), (-0.95, 0.32)],
    ],
    "heart": [[(-0.93, -0.1), (0, -0.62), (0.93, -0.1), (0.55, 0.4), (0.25, 0.65), (0, 0.93), (-0.25, 0.65),
               (-0.55, 0.4)]],
    "house": [[(0, -1), (1, -0.15), (0.75, -0.15), (0.75, 0.95), (-0.75, 0.95), (-0.75, -0.15), (-1, -0.15)]],
    "tree": [[(-0.16, 0.2), (0.16, 0.2), (0.16, 1), (-0.16, 1)]],
    "car": [[(-1, -0.1), (-0.5, -0.1), (-0.3, -0.55), (0.35, -0.55), (0.62, -0.1), (1, -0.1), (1, 0.38), (-1, 0.38)]],
    "boat": [
        [(-1, 0.35), (1, 0.35), (0.62, 0.9), (-0.62, 0.9)],
        [(-0.1, 0.4), (-0.1, -1), (0, -1), (0.75, 0.22), (0, 0.22), (0, 0.4)],
    ],
    "fish": [[(0.35, 0), (1, -0.5), (1, 0.5)]],
}  # fmt: skip
DISCS: dict[str, list[tuple[float, float, float, float]]] = {
    "circle": [(0, 0, 1, 1)],
    "heart": [(-0.5, -0.4, 0.5, 0.53), (0.5, -0.4, 0.5, 0.53)],
    "moon": [(0.2, 0, 1, 1)],
    "tree": [(-0.36, -0.08, 0.44, 0.44), (0.36, -0.08, 0.44, 0.44), (0, -0.48, 0.52, 0.52)],
    "car": [(-0.52, 0.38, 0.25, 0.25), (0.52, 0.38, 0.25, 0.25)],
    "fish": [(-0.22, 0, 0.75, 0.5)],
}
CUT_OUT = {"moon": (0.7, 0, 0.8, 0.8)}
# Number of points, how far they reach out, and how far the notches between them reach in.
SPIKES = {"star": (5, 1.05, 0.42), "sun": (8, 1.1, 0.55)}


def likeness(mask: Mask) -> tuple[str, float]:
    """The kind that covers most of what the patch covers, both stretched to the same box, and how much."""
    kinds, shapes, proportions = _templates()
    seen, proportion = _boxed(mask)
    common = shapes @ seen.ravel().astype(np.float32)
    covered = common / (shapes.sum(axis=1) + seen.sum() - common)
    scores = covered - STRETCH_COST * np.abs(np.log(proportion / proportions))
    best = int(scores.argmax())
    return (kinds[best] if scores[best] >= LEAST_LIKENESS else UNKNOWN), float(scores[best])


def radius(kind: str, width: int, height: int) -> float:
    """How large an object of this kind is whose box has these sides, in the same units."""
    left, top, right, bottom = box(drawn(kind)) if kind in KINDS else (0, 0, UNIT * 2, UNIT * 2)
    return max(width, height) / max(right - left, bottom - top) * UNIT


@cache
def drawn(kind: str) -> Mask:
    """The kind's silhouette in the middle of a square canvas."""
    canvas = Image.new("1", (CANVAS, CANVAS))
    pen = ImageDraw.Draw(canvas)
    for outline in [*POLYGONS.get(kind, []), *_spiky(kind)]:
        pen.polygon([(_pixel(x), _pixel(y)) for x, y in outline], fill=1)
    for disc in DISCS.get(kind, []):
        pen.ellipse(_corners(*disc), fill=1)
    if kind in CUT_OUT:
        pen.ellipse(_corners(*CUT_OUT[kind]), fill=0)
    return np.asarray(canvas)


def _spiky(kind: str) -> list[Outline]:
    if kind not in SPIKES:
        return []
    count, outer, inner = SPIKES[kind]
    tips = [(outer if step % 2 == 0 else inner, pi * step / count) for step in range(2 * count)]
    return [[(reach * sin(angle), -reach * cos(angle)) for reach, angle in tips]]


def _corners(x: float, y: float, across: float, down: float) -> tuple[float, float, float, float]:
    return _pixel(x - across), _pixel(y - down), _pixel(x + across), _pixel(y + down)


def _pixel(value: float) -> float:
    return CANVAS / 2 + UNIT * value


@cache
def _templates() -> tuple[list[str], np.ndarray, np.ndarray]:
    """Kinds, boxed silhouettes as rows, and widths by heights: each silhouette sharp, and with its corners worn off."""
    worn = [(kind, reach) for kind in KINDS for reach in LESS_WORN.get(kind, WORN)]
    boxed = [_boxed(_worn(drawn(kind), reach)) for kind, reach in worn]
    shapes = np.stack([shape.ravel() for shape, _ in boxed]).astype(np.float32)
    return [kind for kind, _ in worn], shapes, np.array([proportion for _, proportion in boxed])


def _worn(mask: Mask, reach: float) -> Mask:
    picture = Image.fromarray(mask.astype(np.uint8) * 255)
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(reach * UNIT))) > 127


def _boxed(mask: Mask) -> tuple[Mask, float]:
    """What is in the mask's box, on a square of fixed size, and the box's width by its height."""
    left, top, right, bottom = box(mask)
    piece = Image.fromarray(mask[top:bottom, left:right].astype(np.uint8) * 255)
    square = piece.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(square) > 127, (right - left) / (bottom - top)
