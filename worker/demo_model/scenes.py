"""The scenes that the built-in model learns: what stands where, drawn at random from a generator."""

import random
from dataclasses import dataclass, replace
from itertools import pairwise

Rgb = tuple[int, int, int]

COLOURS: dict[str, Rgb] = {
    "red": (220, 30, 35),
    "green": (30, 150, 50),
    "blue": (30, 70, 220),
    "yellow": (250, 220, 30),
    "orange": (245, 130, 20),
    "purple": (125, 40, 165),
    "pink": (250, 140, 190),
    "brown": (120, 70, 30),
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "grey": (128, 128, 128),
}
SHAPES = ("circle", "square", "triangle", "diamond", "star", "heart", "cross", "moon")
THINGS = ("house", "tree", "sun", "car", "boat", "fish")
KINDS = (*SHAPES, *THINGS)
# What can hold a smaller object: kinds whose middle is wide and plain.
HOLDERS = ("circle", "square", "diamond", "heart")
# Scenery, with the colours that would be lost in it.
SCENERIES: dict[str, frozenset[str]] = {
    "night": frozenset({"black", "blue", "purple", "brown"}),
    "meadow": frozenset({"green", "blue", "grey", "white"}),
    "beach": frozenset({"blue", "white", "yellow", "orange"}),
    "snow": frozenset({"white", "grey", "pink"}),
}
SIZES = ("small", "medium", "large")
# How the first of two lies to the second; three stand in a row, from left to right.
RELATIONS = ("left", "right", "above", "below", "inside")
ROW = "row"
MOTIONS = ("left", "right", "up", "down", "rotate", "grow", "shrink", "bounce")
# Turned, a circle and a sun look the same.
TURNING = tuple(kind for kind in KINDS if kind not in ("circle", "sun"))

SINGLE_RADIUS = {"small": (0.11, 0.14), "medium": (0.18, 0.23), "large": (0.29, 0.34)}
PAIR_RADIUS = {"small": (0.09, 0.115), "medium": (0.14, 0.175), "large": (0.205, 0.235)}
HOLDER_RADIUS = (0.34, 0.42)
HELD_RADIUS = (0.11, 0.15)
ROW_RADIUS = (0.105, 0.14)
NEAR, MIDDLE, FAR = 0.26, 0.5, 0.74
COLUMNS = (0.19, 0.5, 0.81)
MOST_ITEMS = len(COLUMNS)
PAIR_SHARE, ROW_SHARE, SCENERY_SHARE = 0.45, 0.1, 0.25


@dataclass(frozen=True)
class Item:
    """One object; centre and radius are fractions of the picture's sides and shorter side, `turn` of a whole turn."""

    kind: str
    colour: str
    size: str
    x: float
    y: float
    radius: float
    turn: float = 0.0


@dataclass(frozen=True)
class Scene:
    """One to three objects before a plain background or scenery."""

    background: str
    items: tuple[Item, ...]
    relation: str | None = None


def random_scene(rng: random.Random) -> Scene:
    """A scene to learn from, which depends on nothing but the generator."""
    while held_out(scene := _any_scene(rng)):
        pass
    return scene


def held_out(scene: Scene) -> bool:
    """Whether the combination is kept for the evaluation, about one in ten; it states the rule in its own words.

    All factors are prime to ten, so that each kind, colour, background and relation, and each pair of them, is kept
    once in ten times.
    """
    if scene.relation == ROW:
        return any(_pair_held_out(first, second, "left") for first, second in pairwise(scene.items))
    if scene.relation:
        return _pair_held_out(scene.items[0], scene.items[1], scene.relation)
    (item,) = scene.items
    return (_number(item, 3, 7) + (*COLOURS, *SCENERIES).index(scene.background)) % 10 == 0


def _pair_held_out(first: Item, second: Item, relation: str) -> bool:
    """What lies right of or below the other is the same picture as the other one left of or above it."""
    if relation in ("right", "below"):
        first, second = second, first
    turn = {"left": 0, "right": 0, "above": 1, "below": 1, "inside": 2}[relation]
    return (_number(first, 3, 7) + _number(second, 9, 1) + 3 * turn) % 10 == 0


def _number(item: Item, kind: int, colour: int) -> int:
    return kind * KINDS.index(item.kind) + colour * tuple(COLOURS).index(item.colour)


def _any_scene(rng: random.Random) -> Scene:
    background = rng.choice(tuple(SCENERIES)) if rng.random() < SCENERY_SHARE else rng.choice(tuple(COLOURS))
    share = rng.random()
    if share < ROW_SHARE:
        return Scene(background, _row(rng, background), ROW)
    if share < ROW_SHARE + PAIR_SHARE:
        relation = rng.choice(RELATIONS)
        pair = _held if relation == "inside" else _pair
        return Scene(background, pair(rng, background, relation), relation)
    return Scene(background, (_single(rng, background),))


def cell(item: Item) -> tuple[str, str]:
    """The third of the picture the centre lies in: (left, centre or right; top, centre or bottom)."""
    return _third(item.x, "left", "right"), _third(item.y, "top", "bottom")


def visible_colours(background: str) -> list[str]:
    """The colours that an object can be seen in."""
    hidden = SCENERIES.get(background, frozenset({background}))
    return [name for name in COLOURS if name not in hidden]


def _third(value: float, low: str, high: str) -> str:
    if value < 0.4:
        return low
    return high if value > 0.6 else "centre"


def _single(rng: random.Random, background: str) -> Item:
    size = rng.choices(SIZES, (1, 2, 1))[0]
    radius = rng.uniform(*SINGLE_RADIUS[size])
    spots = (NEAR, MIDDLE, FAR)
    x, y = (MIDDLE, MIDDLE) if rng.random() < 0.3 else (rng.choice(spots), rng.choice(spots))
    return _item(rng, background, size, _inside(rng, x, radius), _inside(rng, y, radius), radius)


def _pair(rng: random.Random, background: str, relation: str) -> tuple[Item, Item]:
    along = (NEAR, FAR) if relation in ("left", "above") else (FAR, NEAR)
    across = MIDDLE + rng.uniform(-0.16, 0.16)
    first, second = (_paired(rng, background, relation, spot, across) for spot in along)
    while (second.kind, second.colour) == (first.kind, first.colour):
        second = _paired(rng, background, relation, along[1], across)
    return first, second


def _paired(rng: random.Random, background: str, relation: str, along: float, across: float) -> Item:
    size = rng.choices(SIZES, (1, 3, 1))[0]
    radius = rng.uniform(*PAIR_RADIUS[size])
    a, b = _inside(rng, along, radius), _inside(rng, across, radius)
    x, y = (a, b) if relation in ("left", "right") else (b, a)
    return _item(rng, background, size, x, y, radius)


def _held(rng: random.Random, background: str, relation: str) -> tuple[Item, Item]:
    """A small one in the middle of a large one."""
    radius = rng.uniform(*HOLDER_RADIUS)
    x, y = (_inside(rng, MIDDLE, radius) for _ in range(2))
    holder = replace(_item(rng, background, "large", x, y, radius), kind=rng.choice(HOLDERS))
    colours = [name for name in visible_colours(background) if name != holder.colour]
    held = _item(rng, background, "small", x, y, rng.uniform(*HELD_RADIUS))
    return replace(held, colour=rng.choice(colours)), holder


def _row(rng: random.Random, background: str) -> tuple[Item, ...]:
    height = MIDDLE + rng.uniform(-0.16, 0.16)
    items: list[Item] = []
    for column in COLUMNS:
        radius = rng.uniform(*ROW_RADIUS)
        item = _item(rng, background, "medium", _inside(rng, column, radius), height, radius)
        while any((item.kind, item.colour) == (other.kind, other.colour) for other in items):
            item = replace(item, colour=rng.choice(visible_colours(background)))
        items.append(item)
    return tuple(items)


def _item(rng: random.Random, background: str, size: str, x: float, y: float, radius: float) -> Item:
    return Item(rng.choice(KINDS), rng.choice(visible_colours(background)), size, x, y, radius)


def _inside(rng: random.Random, centre: float, radius: float) -> float:
    """The centre moved a little at random, and as far as needed to keep the object in the picture."""
    margin = radius + 0.02
    return min(max(centre + rng.uniform(-0.03, 0.03), margin), 1 - margin)
