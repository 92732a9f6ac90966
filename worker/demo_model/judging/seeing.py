"""What a picture shows: its background, and every object's kind, colour, place and size."""

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from PIL import Image

from worker.demo_model.judging.backdrop import split
from worker.demo_model.judging.colours import NAMES, Mask, Pixels, apart, body_names, nearest, outstanding
from worker.demo_model.judging.patches import box, filled, grown, patches, shrunk
from worker.demo_model.judging.silhouettes import UNKNOWN, likeness, radius

# Shares of the shorter side's square: what is smaller is a speck, or dust, or no plain part of a colour.
LEAST_PIECE = 0.001
LEAST_OBJECT = 0.004
LEAST_BODY = 0.0012
# Three objects in pieces have fewer; in what has more, nothing is right anyway.
MOST_PARTS = 10
# The windows or eyes of these kinds look like one of these colours.
WINDOWED = {"house", "car", "fish"}
PALE = {"white", "grey", "pink"}
# A piece of another colour is part of an object if it is so much smaller, like nothing by itself, and spoils little:
# the halo of any, but also the roof, the wheels or the rays of what has parts in another tone.
HALO, PART = 0.15, 0.75
TONED = {"house", "tree", "sun", "car", "boat", "fish"}
SPOILT = 0.05
# How much of an object lies within its holder.
WITHIN = 0.9


@dataclass(frozen=True)
class Seen:
    """One object; the centre as fractions of the sides, the radius of the shorter side, the mask without holes."""

    kind: str
    colour: str
    x: float
    y: float
    radius: float
    mask: Mask

    def within(self, other: "Seen") -> bool:
        """Whether the other holds this one."""
        return bool((self.mask & other.mask).sum() >= WITHIN * self.mask.sum() and self.mask.sum() < other.mask.sum())


@dataclass(frozen=True)
class View:
    """A background and the objects before it."""

    background: str
    objects: tuple[Seen, ...]


@dataclass(frozen=True)
class Part:
    """Where something of one colour is, before anyone asks what it is."""

    colour: str
    mask: Mask


def look(picture: Image.Image) -> View:
    """All there is to see, told by nothing but the pixels."""
    background, pixels, mask = split(picture)
    names = body_names(pixels)
    unit = min(mask.shape) ** 2
    parts = [part for patch in patches(filled(mask), LEAST_PIECE * unit) for part in _parts(pixels, names, patch)]
    parts = sorted(parts, key=lambda part: -int(part.mask.sum()))[:MOST_PARTS]
    parts = [part for part in _joined(parts) if part.mask.sum() >= LEAST_OBJECT * unit]
    return View(background, tuple(_seen(part) for part in parts))


def _parts(pixels: Pixels, names: np.ndarray, patch: Mask) -> list[Part]:
    """The objects in one connected patch: usually one, else neighbours that touch or an object within another."""
    whole = filled(patch)
    bodies = _bodies(names, whole)
    if len(bodies) < 2:
        colour = next(iter(bodies), nearest(np.median(pixels[patch], axis=0), darker=True))
        return [Part(colour, whole)]
    holders = _holders(bodies)
    standing = _neighbours(whole, {name: body for name, body in bodies.items() if name not in holders})
    inner = np.logical_or.reduce([bodies[name] for name in holders] or [~whole])
    outermost = set(holders.values()) - set(holders)
    within = [patch for holder in outermost for patch in _within(pixels, bodies[holder])]
    held = [part for patch in within if (patch & inner).any() for part in _parts(pixels, names, patch)]
    return [*standing, *held]


def _holders(bodies: dict[str, Mask]) -> dict[str, str]:
    """For every colour that lies within another the name of that other one."""
    whole = {name: filled(grown(body)) for name, body in bodies.items()}
    return {
        name: holder
        for name, holder in permutations(bodies, 2)
        if (bodies[name] & whole[holder]).sum() > WITHIN * bodies[name].sum()
    }


def _bodies(names: np.ndarray, whole: Mask) -> dict[str, Mask]:
    """Where the colours are that make up an object, without the edges, where colours blend."""
    least = LEAST_BODY * min(whole.shape) ** 2
    found = {name: shrunk((names == number) & whole) for number, name in enumerate(NAMES)}
    return {name: body for name, body in found.items() if body.sum() >= least}


def _within(pixels: Pixels, holder: Mask) -> list[Mask]:
    """The patches within a holder that are not of its colour."""
    inside = shrunk(filled(grown(holder)))
    other = outstanding(apart(pixels, np.median(pixels[holder], axis=0)) * inside)
    return patches(filled(other), LEAST_PIECE * min(inside.shape) ** 2)


def _neighbours(whole: Mask, bodies: dict[str, Mask]) -> list[Part]:
    """A patch shared out among its colours, each pixel to the colour that is nearest by."""
    if len(bodies) == 1:
        return [Part(next(iter(bodies)), whole)]
    owners = np.zeros(whole.shape, dtype=np.int32)
    for number, body in enumerate(bodies.values(), start=1):
        owners[body] = number
    while (free := whole & (owners == 0)).any():
        around = np.pad(owners, 1)
        sides = (around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:])
        reached = np.where(free, np.maximum.reduce(sides), owners)
        if np.array_equal(reached, owners):
            break
        owners = reached
    return [Part(name, filled(owners == number)) for number, name in enumerate(bodies, start=1)]


def _joined(parts: list[Part]) -> list[Part]:
    """Pieces that are like something only together: a sail and its hull, a window and its house."""
    for first, second in permutations(parts, 2):
        if _belong(first, second):
            rest = [part for part in parts if part is not first and part is not second]
            return _joined([*rest, Part(first.colour, first.mask | second.mask)])
    return parts


def _belong(main: Part, piece: Part) -> bool:
    (kind, alike), (_, before) = likeness(main.mask | piece.mask), likeness(main.mask)
    piece_kind, piece_alike = likeness(piece.mask)
    if main.colour == piece.colour:
        return alike > max(before, piece_alike)
    if kind == UNKNOWN or piece.mask.sum() > (PART if kind in TONED else HALO) * main.mask.sum():
        return False
    if piece_kind == UNKNOWN:
        return alike >= before - SPOILT
    return piece.colour in PALE and kind in WINDOWED and alike >= before


def _seen(part: Part) -> Seen:
    left, top, right, bottom = box(part.mask)
    height, width = part.mask.shape
    kind, _ = likeness(part.mask)
    return Seen(
        kind=kind,
        colour=part.colour,
        x=(left + right) / (2 * width),
        y=(top + bottom) / (2 * height),
        radius=radius(kind, right - left, bottom - top) / min(width, height),
        mask=part.mask,
    )
