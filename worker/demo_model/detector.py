"""Judging a picture by its pixels: which background, which objects, of what colour and shape, where."""

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from PIL import Image

from worker.demo_model import PICTURE_SIZE
from worker.demo_model.scenes import COLOURS, SHAPES, Item, Scene, cell, paint

BORDER = 3
CONTRAST = 48
LEAST_AREA = 0.004
TEMPLATE_SIDE = 32

Mask = np.ndarray


@dataclass(frozen=True)
class Blob:
    """A connected patch that differs from the background; centre as fractions of the side."""

    colour: str
    shape: str
    x: float
    y: float


@dataclass(frozen=True)
class Verdict:
    """What of a prompt the picture got right."""

    background: bool
    colours: bool
    shapes: bool
    position: bool

    @property
    def background_and_colours(self) -> bool:
        return self.background and self.colours

    @property
    def everything(self) -> bool:
        return self.background_and_colours and self.shapes and self.position


def judge(picture: Image.Image, scene: Scene) -> Verdict:
    """Colours count when there are exactly the asked objects; shapes and position build on that."""
    background, blobs = look(picture)
    matches = [
        blobs_in_order
        for blobs_in_order in permutations(blobs)
        if [blob.colour for blob in blobs_in_order] == [item.colour for item in scene.items]
    ]
    return Verdict(
        background=background == scene.background,
        colours=bool(matches),
        shapes=any(_shapes_right(match, scene) for match in matches),
        position=any(_position_right(match, scene) for match in matches),
    )


def look(picture: Image.Image) -> tuple[str, list[Blob]]:
    """The background's colour name and at most the four largest objects."""
    pixels = np.asarray(picture.convert("RGB")).astype(int)
    ring = np.ones(pixels.shape[:2], dtype=bool)
    ring[BORDER:-BORDER, BORDER:-BORDER] = False
    plain = np.median(pixels[ring], axis=0)
    masks = _patches(np.abs(pixels - plain).max(axis=2) > CONTRAST)
    return _colour_name(plain), [_blob(pixels, mask) for mask in masks[:4]]


def _blob(pixels: np.ndarray, mask: Mask) -> Blob:
    rows, columns = np.nonzero(mask)
    height, width = mask.shape
    return Blob(
        colour=_colour_name(np.median(pixels[mask], axis=0)),
        shape=_shape_name(mask),
        x=float(columns.min() + columns.max() + 1) / (2 * width),
        y=float(rows.min() + rows.max() + 1) / (2 * height),
    )


def _colour_name(colour: np.ndarray) -> str:
    return min(COLOURS, key=lambda name: float(np.square(colour - np.array(COLOURS[name])).sum()))


def _patches(mask: Mask) -> list[Mask]:
    """Connected patches, the largest first, without specks."""
    labels = np.where(mask, np.arange(1, mask.size + 1).reshape(mask.shape), 0)
    before = np.zeros_like(labels)
    while not np.array_equal(labels, before):
        before = labels
        around = np.pad(labels, 1)
        sides = (around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:], labels)
        labels = np.where(mask, np.maximum.reduce(sides), 0)
    names, areas = np.unique(labels[mask], return_counts=True)
    large = [(area, name) for area, name in zip(areas, names, strict=True) if area >= LEAST_AREA * mask.size]
    return [labels == name for _, name in sorted(large, reverse=True)]


def _shape_name(mask: Mask) -> str:
    """The shape that, stretched to the same box, covers most of what the patch covers."""
    seen = _boxed(mask)
    return max(SHAPES, key=lambda shape: _overlap(seen, _template(shape)))


def _template(shape: str) -> Mask:
    item = Item(shape, "white", "large", 0.5, 0.5, 0.4)
    return _boxed(np.asarray(paint(Scene("black", (item,)), PICTURE_SIZE))[..., 0] > 127)


def _boxed(mask: Mask) -> Mask:
    rows, columns = np.nonzero(mask)
    box = mask[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    return np.asarray(Image.fromarray(box).resize((TEMPLATE_SIDE, TEMPLATE_SIDE)))


def _overlap(first: Mask, second: Mask) -> float:
    return float((first & second).sum() / (first | second).sum())


def _shapes_right(blobs: tuple[Blob, ...], scene: Scene) -> bool:
    return [blob.shape for blob in blobs] == [item.shape for item in scene.items]


def _position_right(blobs: tuple[Blob, ...], scene: Scene) -> bool:
    """One object must lie in the asked third of the picture, two must lie in the asked order."""
    if scene.relation is None:
        seen = Item("", "", "", blobs[0].x, blobs[0].y, 0.0)
        return cell(seen) == cell(scene.items[0])
    right, down = blobs[0].x - blobs[1].x, blobs[0].y - blobs[1].y
    along = {"left": -right, "right": right, "above": -down, "below": down}[scene.relation]
    return along > 0 and along >= max(abs(right), abs(down))
