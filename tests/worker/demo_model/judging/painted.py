"""Painted scenes as the judging would ask for them: only its tests know the painter, the judging does not."""

import random

from PIL import Image

from worker.demo_model.judging.asked import Request, Thing
from worker.demo_model.painting import paint
from worker.demo_model.scenes import Item, Scene, cell, random_scene


def scenes(count: int, seed: object) -> list[Scene]:
    rng = random.Random(f"{seed} scenes")  # noqa: S311 - it draws pictures
    return [random_scene(rng) for _ in range(count)]


def asked_for(scene: Scene) -> Request:
    """The request that the painted scene answers."""
    return Request(scene.background, tuple(_thing(item, scene.relation) for item in scene.items), scene.relation)


def single(kind: str = "car", colour: str = "red", background: str = "grey", **where: float) -> Scene:
    """One object in the middle, of medium size unless told otherwise."""
    return Scene(background, (item(kind, colour, **where),))


def item(kind: str, colour: str, x: float = 0.5, y: float = 0.5, radius: float = 0.2) -> Item:
    return Item(kind, colour, "", x, y, radius)


def square_picture(scene: Scene, side: int = 128) -> Image.Image:
    return paint(scene, side, side)


def _thing(item: Item, relation: str | None) -> Thing:
    if relation is not None:
        return Thing(item.kind, item.colour)
    words = [word for word in reversed(cell(item)) if word != "centre"]
    return Thing(item.kind, item.colour, item.size, " ".join(words) or "centre")
