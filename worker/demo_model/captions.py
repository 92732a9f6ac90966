"""The words for a scene: many ways to say the same picture, and what is left unsaid."""

import random
import string

from worker.demo_model.scenes import COLOURS, SHAPES, Item, Scene, cell

RELATION_WORDS: dict[str, tuple[str, ...]] = {
    "left": ("to the left of", "to the left of", "left of", "on the left of"),
    "right": ("to the right of", "to the right of", "right of", "on the right of"),
    "above": ("above", "above", "over", "on top of"),
    "below": ("below", "below", "under", "beneath"),
}
LOOSE_WORDS: dict[str, tuple[str, ...]] = {
    "left": ("next to", "beside", "and"),
    "right": ("next to", "beside", "and"),
}
BACKGROUND_WORDS = (
    "{scene} on a {colour} background",
    "{scene} on a {colour} background",
    "{scene} on {colour} background",
    "{scene} against a {colour} background",
    "{scene} with a {colour} background",
    "{scene}, {colour} background",
    "{scene} on {colour}",
    "a {colour} background with {scene}",
)
COLUMN_WORDS = {"left": "on the left", "right": "on the right"}
ROW_WORDS = {"top": "at the top", "bottom": "at the bottom"}
CENTRE_WORDS = ("in the centre", "in the center", "in the middle")
OPENINGS = (
    "a picture of",
    "a drawing of",
    "an image of",
    "a painting of",
    "a photo of",
    "an illustration of",
)
FILLERS = (
    "masterpiece", "best quality", "high quality", "highly detailed", "minimalist", "flat design", "simple",
    "vector art", "digital art", "beautiful", "sharp", "clean", "4k", "8k", "realistic", "cute", "bright",
    "cartoon", "professional", "photography", "studio lighting", "bad quality", "low quality", "blurry",
    "ugly",
)  # fmt: skip
COMMON_WORDS = (
    "the", "is", "there", "it", "one", "two", "shape", "object", "gray", "big", "tiny", "huge", "cat", "dog",
    "house", "tree", "man", "woman", "person", "sky", "sun", "moon", "city", "forest", "mountain", "water",
    "very", "style", "watermark", "text", "worst", "deformed", "rectangle", "dot", "ball", "box", "by", "for",
    "from", "this", "that", "corner", "side", "front", "behind", "colour", "color", "coloured", "colored",
    "covered", "inspired", "blurred", "textured", "layered", "rendered", "centered", "hundred", "tired",
    "scared", "superstar", "sweetheart", "evergreen", "feathered", "mirrored", "dark", "light", "landscape",
    "portrait", "cinematic", "artstation", "trending", "noise", "out", "frame",
)  # fmt: skip

UNSAID_BACKGROUND = 0.03
UNSAID_WHITE = 0.4
UNSAID_COLOUR = 0.03
UNSAID_SHAPE = 0.03
UNSAID_SIZE = 0.15
UNSAID_PLACE = 0.15
LOOSE_RELATION = 0.12
BARE_NOUN = 0.2
CHATTER = 0.1


def caption(scene: Scene, rng: random.Random) -> str:
    """One of the many ways to say the scene."""
    words = _items(scene, rng)
    words = _with_background(words, scene.background, rng)
    if rng.random() < CHATTER:
        words = f"{rng.choice(OPENINGS)} {words}"
    if rng.random() < CHATTER:
        words = f"{words}, {chatter(rng)}"
    if rng.random() < CHATTER / 3:
        words = f"{chatter(rng)}, {words}"
    return words


def chatter(rng: random.Random) -> str:
    """Words that say nothing about the picture, some of them never seen before."""
    return ", ".join(_filler(rng) for _ in range(rng.randint(1, 3)))


def vocabulary() -> list[str]:
    """Every word that a caption can hold or that prompts often bring along, in a fixed order."""
    phrases = [
        *COLOURS,
        *SHAPES,
        *OPENINGS,
        *FILLERS,
        *COMMON_WORDS,
        *CENTRE_WORDS,
        "small",
        "large",
        "a",
        "an",
    ]
    phrases += [*COLUMN_WORDS.values(), *ROW_WORDS.values(), "in the top left", "bottom right"]
    for ways in (*RELATION_WORDS.values(), *LOOSE_WORDS.values()):
        phrases += ways
    phrases += [way.format(scene="", colour="") for way in BACKGROUND_WORDS]
    words = " ".join(phrases).replace(",", " ").split()
    return sorted({word for word in words if word.isalpha()})


def _items(scene: Scene, rng: random.Random) -> str:
    if scene.relation is None:
        return _noun(scene.items[0], rng) + _place(scene.items[0], rng)
    ways = RELATION_WORDS[scene.relation]
    if rng.random() < LOOSE_RELATION:
        ways = LOOSE_WORDS.get(scene.relation, ("and",))
    first, second = (_noun(item, rng) for item in scene.items)
    return f"{first} {rng.choice(ways)} {second}"


def _noun(item: Item, rng: random.Random) -> str:
    size = "" if item.size == "medium" or rng.random() < UNSAID_SIZE else item.size
    colour = "" if rng.random() < UNSAID_COLOUR else _spelled(item.colour, rng)
    shape = "shape" if rng.random() < UNSAID_SHAPE else item.shape
    article = "" if rng.random() < BARE_NOUN else "a"
    words = [word for word in (size, colour, shape) if word]
    if article and words[0][0] in "aeiou":
        article = "an"
    return " ".join([article, *words]).strip()


def _place(item: Item, rng: random.Random) -> str:
    column, row = cell(item)
    unsaid = 0.7 if column == row == "centre" else UNSAID_PLACE
    if rng.random() < unsaid:
        return ""
    if column == row == "centre":
        return " " + rng.choice(CENTRE_WORDS)
    if row == "centre":
        return " " + COLUMN_WORDS[column]
    if column == "centre":
        return " " + ROW_WORDS[row]
    return rng.choice((f" in the {row} {column}", f" in the {row} {column}", f" at the {row} {column}"))


def _with_background(words: str, background: str, rng: random.Random) -> str:
    if rng.random() < (UNSAID_WHITE if background == "white" else UNSAID_BACKGROUND):
        return words
    said = rng.choice(BACKGROUND_WORDS).format(scene=words, colour=_spelled(background, rng))
    return said.replace("a orange", "an orange")


def _spelled(colour: str, rng: random.Random) -> str:
    return "gray" if colour == "grey" and rng.random() < 0.4 else colour


def _filler(rng: random.Random) -> str:
    if rng.random() < 0.4:
        return "".join(rng.choices(string.ascii_lowercase, k=rng.randint(2, 8)))
    return rng.choice((*FILLERS, *COMMON_WORDS))
