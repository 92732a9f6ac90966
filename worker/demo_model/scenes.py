"""The scenes the built-in model learns: drawing them at random and painting them as pictures."""

import math
import random
from dataclasses import dataclass

from PIL import Image, ImageDraw

from worker.demo_model import PICTURE_SIZE

Point = tuple[float, float]
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
SHAPES = ("circle", "square", "triangle", "star", "heart")
SIZES = ("small", "medium", "large")
RELATIONS = ("left", "right", "above", "below")

SINGLE_RADIUS = {"small": (0.11, 0.14), "medium": (0.18, 0.23), "large": (0.29, 0.34)}
PAIR_RADIUS = {"small": (0.09, 0.115), "medium": (0.14, 0.175), "large": (0.205, 0.235)}
NEAR, MIDDLE, FAR = 0.26, 0.5, 0.74
OVERSAMPLING = 4
PAIR_SHARE = 0.6


@dataclass(frozen=True)
class Item:
    """One object; centre and radius are fractions of the picture's side."""

    shape: str
    colour: str
    size: str
    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Scene:
    """One or two objects on a plain background; the relation says where the first lies from the second."""

    background: str
    items: tuple[Item, ...]
    relation: str | None = None


def random_scene(rng: random.Random) -> Scene:
    """A scene that depends on nothing but the generator."""
    background = rng.choice(list(COLOURS))
    if rng.random() >= PAIR_SHARE:
        return Scene(background, (_single_item(rng, background),))
    relation = rng.choice(RELATIONS)
    return Scene(background, _pair_of_items(rng, background, relation), relation)


def paint(scene: Scene, side: int = PICTURE_SIZE) -> Image.Image:
    """The scene as a square RGB picture with smooth edges."""
    canvas = side * OVERSAMPLING
    picture = Image.new("RGB", (canvas, canvas), COLOURS[scene.background])
    pen = ImageDraw.Draw(picture)
    for item in scene.items:
        corners = [(x * canvas, y * canvas) for x, y in outline(item)]
        pen.polygon(corners, fill=COLOURS[item.colour])
    return picture.reduce(OVERSAMPLING)


def outline(item: Item) -> list[Point]:
    """The corners of the object's edge, as fractions of the picture's side."""
    return [(item.x + item.radius * x, item.y + item.radius * y) for x, y in _unit_outline(item.shape)]


def cell(item: Item) -> tuple[str, str]:
    """The third of the picture the centre lies in: (left, centre or right; top, centre or bottom)."""
    return _third(item.x, "left", "right"), _third(item.y, "top", "bottom")


def _third(value: float, low: str, high: str) -> str:
    if value < 0.4:
        return low
    return high if value > 0.6 else "centre"


def _single_item(rng: random.Random, background: str) -> Item:
    size = rng.choices(SIZES, (1, 2, 1))[0]
    radius = rng.uniform(*SINGLE_RADIUS[size])
    spots = (NEAR, MIDDLE, FAR)
    x, y = (MIDDLE, MIDDLE) if rng.random() < 0.3 else (rng.choice(spots), rng.choice(spots))
    return _item(rng, background, size, _inside(rng, x, radius), _inside(rng, y, radius), radius)


def _pair_of_items(rng: random.Random, background: str, relation: str) -> tuple[Item, Item]:
    along = (NEAR, FAR) if relation in ("left", "above") else (FAR, NEAR)
    across = MIDDLE + rng.uniform(-0.16, 0.16)
    first, second = (_paired_item(rng, background, relation, spot, across) for spot in along)
    while (second.shape, second.colour) == (first.shape, first.colour):
        second = _paired_item(rng, background, relation, along[1], across)
    return first, second


def _paired_item(rng: random.Random, background: str, relation: str, along: float, across: float) -> Item:
    size = rng.choices(SIZES, (1, 3, 1))[0]
    radius = rng.uniform(*PAIR_RADIUS[size])
    a, b = _inside(rng, along, radius), _inside(rng, across, radius)
    x, y = (a, b) if relation in ("left", "right") else (b, a)
    return _item(rng, background, size, x, y, radius)


def _item(rng: random.Random, background: str, size: str, x: float, y: float, radius: float) -> Item:
    colour = rng.choice([name for name in COLOURS if name != background])
    return Item(rng.choice(SHAPES), colour, size, x, y, radius)


def _inside(rng: random.Random, centre: float, radius: float) -> float:
    """The centre moved a little at random, and as far as needed to keep the object in the picture."""
    margin = radius + 0.02
    return min(max(centre + rng.uniform(-0.03, 0.03), margin), 1 - margin)


def _unit_outline(shape: str) -> list[Point]:
    """The edge of a shape of radius one around the origin, y pointing down."""
    match shape:
        case "circle":
            return [_on_circle(step / 48) for step in range(48)]
        case "square":
            return [(-0.86, -0.86), (0.86, -0.86), (0.86, 0.86), (-0.86, 0.86)]
        case "triangle":
            return [(0.0, -0.95), (1.0, 0.85), (-1.0, 0.85)]
        case "star":
            return [_on_circle(step / 10, 0.42 if step % 2 else 1.05) for step in range(10)]
        case _:
            return [_on_heart(step / 48) for step in range(48)]


def _on_circle(turn: float, radius: float = 1.0) -> Point:
    angle = math.tau * (turn - 0.25)
    return radius * math.cos(angle), radius * math.sin(angle)


def _on_heart(turn: float) -> Point:
    angle = math.tau * turn
    lift = 13 * math.cos(angle) - 5 * math.cos(2 * angle) - 2 * math.cos(3 * angle) - math.cos(4 * angle)
    return math.sin(angle) ** 3, -(lift + 2.5) / 15.5
