"""Scenes that move: one object that goes, turns, grows or bounces from the first frame to the last."""

import math
import random
from dataclasses import dataclass, replace

import numpy as np

from worker.demo_model import PICTURE_SIZE
from worker.demo_model.painting import paint
from worker.demo_model.scenes import MOTIONS, TURNING, Item, Scene, random_scene

FRAMES = 16
STEP = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
WAY = (0.35, 0.5)
# Always a quarter: no word says how far, and what the words leave open is drawn blurred.
TURN = (0.25, 0.25)
GROWTH = (1.8, 2.4)
HOP = (0.25, 0.35)
HOPS = 2
MOVING_RADIUS = (0.11, 0.2)


@dataclass(frozen=True)
class Clip:
    """A scene of one object as it is in the first frame, what it does, and how much of that until the last one."""

    scene: Scene
    motion: str
    amount: float

    def at(self, time: float) -> Scene:
        """The scene at a time from 0, the first frame, to 1, the last."""
        (item,) = self.scene.items
        return replace(self.scene, items=(self._moved(item, time),))

    def frames(self, count: int = FRAMES, size: int = PICTURE_SIZE) -> np.ndarray:
        """Count x size x size x 3 bytes."""
        return np.stack([np.asarray(paint(self.at(n / (count - 1)), size, size)) for n in range(count)])

    def _moved(self, item: Item, time: float) -> Item:
        done = self.amount * time
        match self.motion:
            case "rotate":
                return replace(item, turn=item.turn + done)
            case "grow" | "shrink":
                factor = 1 + (self.amount - 1) * time
                return replace(item, radius=item.radius * (factor if self.motion == "grow" else 1 / factor))
            case "bounce":
                return replace(item, y=item.y - self.amount * abs(math.sin(math.pi * HOPS * time)))
        x, y = STEP[self.motion]
        return replace(item, x=item.x + x * done, y=item.y + y * done)


def random_clip(rng: random.Random) -> Clip:
    """A clip to learn from, which depends on nothing but the generator; the object stays in the picture."""
    scene = random_scene(rng)
    while scene.relation:
        scene = random_scene(rng)
    motion = rng.choice(MOTIONS)
    while motion == "rotate" and scene.items[0].kind not in TURNING:
        motion = rng.choice(MOTIONS)
    item = replace(scene.items[0], radius=rng.uniform(*MOVING_RADIUS), size="medium")
    span = {"rotate": TURN, "grow": GROWTH, "shrink": GROWTH, "bounce": HOP}.get(motion, WAY)
    clip = Clip(replace(scene, items=(item,)), motion, rng.uniform(*span))
    return replace(clip, scene=replace(clip.scene, items=(_within(rng, clip),)))


def _within(rng: random.Random, clip: Clip) -> Item:
    """The object where its whole way lies in the picture."""
    (item,) = clip.scene.items
    if clip.motion == "shrink":
        item = replace(item, radius=item.radius * clip.amount)
    way = [clip._moved(item, time / 8) for time in range(9)]
    radius = max(place.radius for place in way) + 0.02
    x = _room(rng, [place.x - item.x for place in way], radius)
    y = _room(rng, [place.y - item.y for place in way], radius)
    return replace(item, x=x, y=y)


def _room(rng: random.Random, ways: list[float], margin: float) -> float:
    low, high = margin - min(ways), 1 - margin - max(ways)
    return rng.uniform(low, high) if low < high else (low + high) / 2
