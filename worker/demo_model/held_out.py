"""Prompts that the training never saw: scenes whose combination of things is not in its gallery."""

import random
from collections.abc import Hashable
from typing import NamedTuple

from worker.demo_model.denoiser import PICTURES, gallery_scenes
from worker.demo_model.scenes import Item, Scene, cell, random_scene

RELATION = {"left": "to the left of", "right": "to the right of", "above": "above", "below": "below"}


class Task(NamedTuple):
    """One prompt, and the scene that a right picture shows."""

    prompt: str
    scene: Scene


def tasks(count: int, seed: int, training_seed: int) -> list[Task]:
    """As many prompts as asked, one object and two by turns, drawn from a seed of their own."""
    seen = {_combination(scene) for side in PICTURES for scene in gallery_scenes(side, training_seed)}
    rng = random.Random(f"{seed} held out")
    found: list[Task] = []
    while len(found) < count:
        scene = random_scene(rng)
        if len(scene.items) == len(found) % 2 + 1 and _combination(scene) not in seen:
            found.append(Task(prompt(scene), scene))
    return found


def prompt(scene: Scene) -> str:
    """The full sentence, with nothing left unsaid."""
    if scene.relation is None:
        said = f"{_noun(scene.items[0])} {_place(scene.items[0])}"
    else:
        first, second = (_noun(item) for item in scene.items)
        said = f"{first} {RELATION[scene.relation]} {second}"
    return f"{said} on {_article(scene.background)} {scene.background} background"


def _noun(item: Item) -> str:
    size = [] if item.size == "medium" else [item.size]
    words = " ".join([*size, item.colour, item.shape])
    return f"{_article(words)} {words}"


def _article(words: str) -> str:
    return "an" if words.startswith("orange") else "a"


def _place(item: Item) -> str:
    column, row = cell(item)
    if column == row:
        return "in the centre"
    if row == "centre":
        return f"on the {column}"
    return f"at the {row}" if column == "centre" else f"in the {row} {column}"


def _combination(scene: Scene) -> Hashable:
    where = scene.relation or cell(scene.items[0])
    return scene.background, where, tuple((item.shape, item.colour, item.size) for item in scene.items)
