"""What a caption tells of a scene and what it leaves unsaid, before any language gives it words."""

import random
from dataclasses import dataclass, replace

from worker.demo_model.scenes import MOTIONS, ROW, Item, Scene, cell

UNSAID_BACKGROUND = 0.015
UNSAID_WHITE = 0.6
UNSAID_COLOUR = 0.05
UNSAID_KIND = 0.03
UNSAID_SIZE = 0.15
UNSAID_HELD_SIZE = 0.6
UNSAID_PLACE = 0.15
UNSAID_CENTRE = 0.7
LOOSE_RELATION = 0.12
# Of the scenes with one object, which are less than half of all.
KEYWORDS_ONLY = 0.09
MOTION_ONLY, MOTION_ONLY_IF_SHOWN = 0.1, 0.35
MOTION_OF_A_STILL = 0.02
IDLE_BEFORE = 0.015
IDLE_AFTER = 0.12
STRANGE = 0.04
CENTRE = ("centre", "centre")
LOOSE = "loose"


@dataclass(frozen=True)
class Thing:
    """What is said of one object; what is empty goes unsaid. A strange one has a word beside it that means nothing."""

    colour: str
    kind: str
    size: str = ""
    place: tuple[str, str] | None = None
    strange: bool = False


@dataclass(frozen=True)
class Saying:
    """All that one caption says; `keywords` is a caption of a few bare words, and no things is one of motion alone.

    What is idle says nothing about the picture.
    """

    things: tuple[Thing, ...]
    relation: str | None
    background: str
    motion: str | None
    keywords: bool = False
    idle_before: bool = False
    idle_after: bool = False


def saying(scene: Scene, rng: random.Random, motion: str | None, shown: bool = False) -> Saying:
    """What to say of the scene this time; of one that is shown as well, less is needed."""
    idle_before, idle_after = rng.random() < IDLE_BEFORE, rng.random() < IDLE_AFTER
    return replace(_meant(scene, rng, motion, shown), idle_before=idle_before, idle_after=idle_after)


def _meant(scene: Scene, rng: random.Random, motion: str | None, shown: bool) -> Saying:
    if motion is not None and rng.random() < (MOTION_ONLY_IF_SHOWN if shown else MOTION_ONLY):
        return Saying((), None, "", motion)
    if motion is None and rng.random() < MOTION_OF_A_STILL:
        motion = rng.choice(MOTIONS)
    if scene.relation is None and rng.random() < KEYWORDS_ONLY:
        return _keywords(scene, rng, motion)
    things = tuple(_thing(item, scene.relation, rng) for item in scene.items)
    unsaid = rng.random() < (UNSAID_WHITE if scene.background == "white" else UNSAID_BACKGROUND)
    return Saying(things, _relation(scene, rng), "" if unsaid else scene.background, motion)


def _thing(item: Item, relation: str | None, rng: random.Random) -> Thing:
    unsaid = UNSAID_HELD_SIZE if relation == "inside" else UNSAID_SIZE
    size = "" if item.size == "medium" or rng.random() < unsaid else item.size
    colour = "" if rng.random() < UNSAID_COLOUR else item.colour
    kind = "" if rng.random() < UNSAID_KIND else item.kind
    place = _place(item, rng) if relation is None else None
    return Thing(colour, kind, size, place, rng.random() < STRANGE)


def _place(item: Item, rng: random.Random) -> tuple[str, str] | None:
    place = cell(item)
    return None if rng.random() < (UNSAID_CENTRE if place == CENTRE else UNSAID_PLACE) else place


def _relation(scene: Scene, rng: random.Random) -> str | None:
    if scene.relation in (None, "inside", ROW) or rng.random() >= LOOSE_RELATION:
        return scene.relation
    return LOOSE


def _keywords(scene: Scene, rng: random.Random, motion: str | None) -> Saying:
    """One or two of colour, kind and background; a background other than white is always among them."""
    background = "" if scene.background == "white" else scene.background
    ways = [(True, True), (True, False), (False, True)] + [(False, False)] * bool(background)
    colour, kind = rng.choice(ways)
    thing = Thing(scene.items[0].colour * colour, scene.items[0].kind * kind)
    return Saying((thing,), None, background, motion, keywords=True)
