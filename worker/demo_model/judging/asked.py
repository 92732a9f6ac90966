"""What the judging asks for: combinations that the training leaves out, drawn from a seed.

The rule that both sides follow, each in its own words; every kind, colour, background and relation has a number, in
the order in which its names stand here, from 0 (the sceneries' numbers follow those of the plain colours):

- one object, moving or not: held out when 3 kind + 7 colour + background is divisible by ten;
- two objects: "right" and "below" are first turned into "left" and "above"; then held out when
  3 kind + 7 colour of the first + 9 kind + colour of the second + 3 relation is divisible by ten;
- three in a row: held out when one of its two neighbouring pairs, the first left of the second, is.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from worker.demo_model.judging.colours import NAMES
from worker.demo_model.judging.silhouettes import KINDS

SCENERY = ("night", "meadow", "beach", "snow")
BACKGROUNDS = (*NAMES, *SCENERY)
# Colours that cannot be seen there, and are not asked for.
LOST = {
    "night": {"black", "blue", "purple", "brown"},
    "meadow": {"green", "blue", "grey", "white"},
    "beach": {"blue", "white", "yellow", "orange"},
    "snow": {"white", "grey", "pink"},
}
# In words, medium is what has no word, and then any size is right.
SIZES = ("small", None, "large")
PLACES = (
    "top left", "top", "top right", "left", "centre", "right", "bottom left", "bottom", "bottom right",
)  # fmt: skip
RELATIONS = ("left", "right", "above", "below", "inside")
ROW = "row"
NUMBERED_RELATIONS = ("left", "above", "inside")
TURNED_ROUND = {"right": "left", "below": "above"}
# What is plain and wide enough in the middle to hold something.
HOLDERS = ("circle", "square", "diamond", "heart")
SCENERY_SHARE = 0.3
MOTIONS = ("left", "right", "up", "down", "rotate", "grow", "shrink", "bounce")
# Turned, they look the same.
ROUND = {"circle", "sun"}


@dataclass(frozen=True)
class Thing:
    """One object; size and place only where the words say them."""

    kind: str
    colour: str
    size: str | None = None
    place: str | None = None


@dataclass(frozen=True)
class Request:
    """A background, the objects before it in the order in which the words name them, and what a single one does."""

    background: str
    things: tuple[Thing, ...]
    relation: str | None = None
    motion: str | None = None


def requests(count: int, objects: int, seed: int) -> list[Request]:
    """So many held-out requests with so many objects."""
    rng = random.Random(f"{seed} asked {objects}")
    draw: Callable[[random.Random], Request] = {1: _one, 2: _two, 3: _three}[objects]
    found: list[Request] = []
    while len(found) < count:
        request = draw(rng)
        if held_out(request):
            found.append(request)
    return found


def moving_requests(count: int, seed: int) -> list[Request]:
    """So many held-out requests with one object that moves."""
    rng = random.Random(f"{seed} moving")
    found: list[Request] = []
    while len(found) < count:
        background, motion = _background(rng), rng.choice(MOTIONS)
        thing = _thing(rng, background)
        request = Request(background, (thing,), motion=motion)
        if held_out(request) and (motion != "rotate" or thing.kind not in ROUND):
            found.append(request)
    return found


def held_out(request: Request) -> bool:
    """Whether the training leaves this combination out."""
    if request.relation is None:
        (thing,) = request.things
        return (3 * _kind(thing) + 7 * _colour(thing) + BACKGROUNDS.index(request.background)) % 10 == 0
    if request.relation == ROW:
        first, second, third = request.things
        return _pair_held_out(first, second, "left") or _pair_held_out(second, third, "left")
    first, second = request.things
    if request.relation in TURNED_ROUND:
        return _pair_held_out(second, first, TURNED_ROUND[request.relation])
    return _pair_held_out(first, second, request.relation)


def _pair_held_out(first: Thing, second: Thing, relation: str) -> bool:
    things = 3 * _kind(first) + 7 * _colour(first) + 9 * _kind(second) + _colour(second)
    return (things + 3 * NUMBERED_RELATIONS.index(relation)) % 10 == 0


def _kind(thing: Thing) -> int:
    return KINDS.index(thing.kind)


def _colour(thing: Thing) -> int:
    return NAMES.index(thing.colour)


def _one(rng: random.Random) -> Request:
    background = _background(rng)
    thing = _thing(rng, background)
    placed = Thing(thing.kind, thing.colour, rng.choice(SIZES), rng.choice(PLACES))
    return Request(background, (placed,))


def _two(rng: random.Random) -> Request:
    background, relation = _background(rng), rng.choice(RELATIONS)
    first, second = _different(rng, background, 2)
    if relation != "inside":
        return Request(background, (first, second), relation)
    while second.colour == first.colour:
        second = _thing(rng, background)
    return Request(background, (first, Thing(rng.choice(HOLDERS), second.colour)), relation)


def _three(rng: random.Random) -> Request:
    background = _background(rng)
    return Request(background, _different(rng, background, 3), ROW)


def _different(rng: random.Random, background: str, count: int) -> tuple[Thing, ...]:
    things: dict[Thing, None] = {}
    while len(things) < count:
        things[_thing(rng, background)] = None
    return tuple(things)


def _thing(rng: random.Random, background: str) -> Thing:
    lost = LOST.get(background, {background})
    return Thing(rng.choice(KINDS), rng.choice([name for name in NAMES if name not in lost]))


def _background(rng: random.Random) -> str:
    return rng.choice(SCENERY if rng.random() < SCENERY_SHARE else NAMES)
