"""Painting a scene: every object out of a few polygons, every scenery out of a few bands."""

import math
from functools import cache

from PIL import Image, ImageDraw

from worker.demo_model import PICTURE_SIZE
from worker.demo_model.scenes import COLOURS, Item, Rgb, Scene

Point = tuple[float, float]
Outline = tuple[Point, ...]

OVERSAMPLING = 3
# The tones of an object: its colour, a darker shade of it, and a light tint.
BODY, SHADE, LIGHT = "body", "shade", "light"

NIGHT, STAR = (18, 22, 66), (235, 235, 250)
SKY, GRASS = (150, 205, 245), (128, 196, 92)
MILD_SKY, SEA, SAND = (176, 222, 250), (44, 122, 196), (236, 214, 158)
WINTER_SKY, SNOW = (176, 194, 218), (246, 249, 252)
# Where stars and flakes are, as fractions of the sides: spread evenly by the golden ratio and its square root.
SPECKS = tuple(((0.5 + 0.618034 * n) % 1, (0.3 + 0.786151 * n) % 1) for n in range(40))


def paint(scene: Scene, width: int = PICTURE_SIZE, height: int = PICTURE_SIZE) -> Image.Image:
    """The scene as an RGB picture with smooth edges."""
    canvas = _backdrop(scene.background, width * OVERSAMPLING, height * OVERSAMPLING).copy()
    pen = ImageDraw.Draw(canvas)
    for item in reversed(scene.items):  # what is held lies on its holder
        for tone, outline in _parts(item.kind):
            corners = placed(item, outline, *canvas.size)
            pen.polygon(corners, fill=_tone(COLOURS[item.colour], tone))
    return canvas.reduce(OVERSAMPLING)


def placed(item: Item, outline: Outline, width: int, height: int) -> list[Point]:
    """The unit outline in pixels, where and as large as the item is."""
    radius = item.radius * min(width, height)
    cos, sin = math.cos(math.tau * item.turn), math.sin(math.tau * item.turn)
    left, top = item.x * width, item.y * height
    return [(left + radius * (x * cos - y * sin), top + radius * (x * sin + y * cos)) for x, y in outline]


def silhouette(kind: str) -> tuple[Outline, ...]:
    """Outlines that together cover what an object of this kind covers, of radius one around the origin."""
    return tuple(outline for _, outline in _parts(kind))


def _tone(colour: Rgb, tone: str) -> Rgb:
    if tone == BODY:
        return colour
    other, share = (255, 0.75) if tone == LIGHT else (0, 0.3)
    too_dark, too_light = max(colour) < 60, min(colour) > 200
    if too_light if tone == LIGHT else too_dark:
        other, share = 128, 0.5
    red, green, blue = (round(part + (other - part) * share) for part in colour)
    return red, green, blue


@cache
def _backdrop(name: str, width: int, height: int) -> Image.Image:
    if name in COLOURS:
        return Image.new("RGB", (width, height), COLOURS[name])
    sky, bands = {
        "night": (NIGHT, ()),
        "meadow": (SKY, ((0.58, 0.05, GRASS),)),
        "beach": (MILD_SKY, ((0.4, 0.0, SEA), (0.64, 0.03, SAND))),
        "snow": (WINTER_SKY, ((0.62, 0.04, SNOW),)),
    }[name]
    picture = Image.new("RGB", (width, height), sky)
    pen = ImageDraw.Draw(picture)
    if name in ("night", "snow"):
        _sprinkle(pen, width, height, STAR if name == "night" else SNOW)
    for start, swing, colour in bands:
        hill = [(step / 24 * width, (start + swing * math.sin(math.tau * step / 24)) * height) for step in range(25)]
        pen.polygon([*hill, (width, height), (0, height)], fill=colour)
    return picture


def _sprinkle(pen: ImageDraw.ImageDraw, width: int, height: int, colour: Rgb) -> None:
    radius = 0.007 * min(width, height)
    for x, y in SPECKS:
        left, top = x * width, y * height
        pen.ellipse((left - radius, top - radius, left + radius, top + radius), fill=colour)


@cache
def _parts(kind: str) -> tuple[tuple[str, Outline], ...]:
    """What an object of radius one around the origin is made of, y pointing down, the hindmost first."""
    match kind:
        case "circle":
            return ((BODY, _disc(0, 0, 1)),)
        case "square":
            return ((BODY, _box(-0.86, -0.86, 0.86, 0.86)),)
        case "triangle":
            return ((BODY, ((0.0, -0.95), (1.0, 0.85), (-1.0, 0.85))),)
        case "diamond":
            return ((BODY, ((0.0, -1.05), (0.8, 0.0), (0.0, 1.05), (-0.8, 0.0))),)
        case "star":
            return ((BODY, _spikes(5, 1.05, 0.42)),)
        case "heart":
            return ((BODY, tuple(_on_heart(step / 48) for step in range(48))),)
        case "cross":
            return ((BODY, _box(-0.32, -0.95, 0.32, 0.95)), (BODY, _box(-0.95, -0.32, 0.95, 0.32)))
        case "moon":
            return ((BODY, _crescent()),)
        case _:
            return _thing(kind)


def _thing(kind: str) -> tuple[tuple[str, Outline], ...]:
    match kind:
        case "house":
            roof = ((0.0, -1.0), (1.0, -0.15), (-1.0, -0.15))
            door, window = _box(-0.5, 0.3, -0.1, 0.95), _box(0.2, 0.2, 0.52, 0.52)
            return (BODY, _box(-0.75, -0.15, 0.75, 0.95)), (SHADE, roof), (SHADE, door), (LIGHT, window)
        case "tree":
            crown = ((-0.36, -0.08, 0.44), (0.36, -0.08, 0.44), (0.0, -0.48, 0.52))
            return (SHADE, _box(-0.16, 0.0, 0.16, 1.0)), *((BODY, _disc(*disc)) for disc in crown)
        case "sun":
            return (SHADE, _spikes(8, 1.1, 0.55)), (BODY, _disc(0, 0, 0.62))
        case "car":
            cabin = ((-0.5, -0.1), (-0.3, -0.55), (0.35, -0.55), (0.62, -0.1))
            window = ((-0.3, -0.1), (-0.2, -0.4), (0.25, -0.4), (0.4, -0.1))
            wheels = tuple((SHADE, _disc(x, 0.38, 0.25)) for x in (-0.52, 0.52))
            return (BODY, _box(-1.0, -0.1, 1.0, 0.38)), (BODY, cabin), (LIGHT, window), *wheels
        case "boat":
            hull = ((-1.0, 0.35), (1.0, 0.35), (0.62, 0.9), (-0.62, 0.9))
            sail = ((0.0, -1.0), (0.75, 0.22), (0.0, 0.22))
            return (BODY, hull), (SHADE, _box(-0.1, -1.0, 0.0, 0.4)), (BODY, sail)
        case _:
            body = tuple((-0.22 + 0.75 * x, 0.5 * y) for x, y in _disc(0, 0, 1))
            tail = ((0.35, 0.0), (1.0, -0.5), (1.0, 0.5))
            return (SHADE, tail), (BODY, body), (LIGHT, _disc(-0.58, -0.12, 0.09))


def _box(left: float, top: float, right: float, bottom: float) -> Outline:
    return (left, top), (right, top), (right, bottom), (left, bottom)


def _disc(x: float, y: float, radius: float) -> Outline:
    return tuple((x + a, y + b) for a, b in (_on_circle(step / 40, radius) for step in range(40)))


def _spikes(count: int, outer: float, inner: float) -> Outline:
    return tuple(_on_circle(step / (2 * count), inner if step % 2 else outer) for step in range(2 * count))


def _crescent() -> Outline:
    """A disc of radius one, without another one to its right; the two tips are where their edges cross."""
    away, cut = 0.5, 0.8
    x = (1 - cut**2 + away**2) / (2 * away)
    y = math.sqrt(1 - x**2)
    outer, inner = math.atan2(y, x), math.atan2(y, x - away)
    rim = [outer + (math.tau - 2 * outer) * step / 32 for step in range(33)]
    hollow = [math.tau - inner - (math.tau - 2 * inner) * step / 24 for step in range(1, 24)]
    points = [(math.cos(a), math.sin(a)) for a in rim]
    points += [(away + cut * math.cos(a), cut * math.sin(a)) for a in hollow]
    return tuple((px + 0.2, py) for px, py in points)


def _on_circle(turn: float, radius: float = 1.0) -> Point:
    angle = math.tau * (turn - 0.25)
    return radius * math.cos(angle), radius * math.sin(angle)


def _on_heart(turn: float) -> Point:
    angle = math.tau * turn
    lift = 13 * math.cos(angle) - 5 * math.cos(2 * angle) - 2 * math.cos(3 * angle) - math.cos(4 * angle)
    return math.sin(angle) ** 3, -(lift + 2.5) / 15.5
