"""The words for a scene: many ways to say the same picture, in English here and in Chinese next door."""

import random
import re
import string

from worker.demo_model import captions_zh, words
from worker.demo_model.sayings import CENTRE, Saying, Thing, saying
from worker.demo_model.scenes import COLOURS, ROW, SCENERIES, Scene

CHINESE = 1 / 3
ARTICLES = ("a", "a", "a", "a", "a", "a", "a", "the", "one", "", "")
SECOND_FIRST = 0.2
BOTH_PLACED = 0.12
COLOUR_FIRST = 0.05
MOVING_AHEAD = 0.25
MOVING_NEXT = 0.75
SPACED = 0.5
OPENED = 0.12
STOP = 0.1


def caption(scene: Scene, rng: random.Random, motion: str | None = None, shown: bool = False) -> str:
    """One of the many ways to say the scene, and what moves in it, a third of the time in Chinese.

    Of a scene that is shown as well, it more often says the motion alone.
    """
    told = saying(scene, rng, motion, shown)
    return captions_zh.spoken(told, rng) if rng.random() < CHINESE else spoken(told, rng)


def spoken(told: Saying, rng: random.Random) -> str:
    """The saying in English."""
    said = with_articles(_keywords(told, rng) if told.keywords else _sentence(told, rng))
    if rng.random() < STOP:
        said = f"{said.capitalize()}."
    if told.idle_after:
        said = f"{said}, {_chatter(rng)}"
    return f"{_filler(rng)}, {said}" if told.idle_before else said


def chatter(rng: random.Random) -> str:
    """Words that say nothing about the picture, some of them never seen before."""
    return captions_zh.chatter(rng) if rng.random() < CHINESE else _chatter(rng)


def known_words() -> list[str]:
    """The words that mean something to the model, and those that only join them, English before Chinese."""
    return _split(*_spoken_phrases(), *words.SMALL_WORDS) + captions_zh.known_words()


def vocabulary() -> list[str]:
    """What the tokenizer takes as one piece: English words and Chinese characters, also those to be passed over."""
    return _split(*_spoken_phrases(), *words.FILLERS) + captions_zh.characters()


def with_articles(said: str) -> str:
    """With "an" before a vowel."""
    return re.sub(r"\ba (?=[aeiou])", "an ", said)


def _sentence(told: Saying, rng: random.Random) -> str:
    if not told.things:
        return _motion(told, rng)
    said, motion = _things(told, rng)
    said = _with_background(said, told.background, rng)
    if rng.random() < OPENED:
        openings = words.MOVING_OPENINGS if told.motion else words.OPENINGS
        said = f"{rng.choice(openings)} {said}"
    return f"{said}, {motion}" if motion else said


def _things(told: Saying, rng: random.Random) -> tuple[str, str]:
    """The objects, and the motion if that is still to be said."""
    motion = _motion(told, rng) if told.motion else ""
    if len(told.things) > 1:
        return _together(told, rng), motion
    ahead = motion.endswith("ing") and " " not in motion and rng.random() < MOVING_AHEAD
    said = _noun(told.things[0], rng, motion if ahead else "") + _place(told.things[0], rng)
    if motion and not ahead and rng.random() < MOVING_NEXT:
        return f"{said} {motion}", ""
    return said, "" if ahead else motion


def _together(told: Saying, rng: random.Random) -> str:
    nouns = [_noun(thing, rng) for thing in told.things]
    relation = str(told.relation)
    if relation == ROW:
        return rng.choice(words.ROWS).format(*nouns)
    first, second = nouns
    share = rng.random()
    if share < SECOND_FIRST:
        return rng.choice(words.ASIDE[relation]).format(first=first, second=second)
    if share < SECOND_FIRST + BOTH_PLACED:
        return rng.choice(words.BOTH[relation]).format(first=first, second=second)
    return f"{first} {rng.choice(words.RELATIONS[relation])} {second}"


def _noun(thing: Thing, rng: random.Random, moving: str = "") -> str:
    size = rng.choice(words.SIZES[thing.size]) if thing.size else ""
    kind = rng.choice(words.KINDS[thing.kind] if thing.kind else words.NAMELESS)
    looks = [size, _colour(thing.colour, rng)]
    if rng.random() < COLOUR_FIRST:
        looks.reverse()
    if thing.strange:
        looks.insert(rng.randint(0, 2), _filler(rng))
    return " ".join(word for word in (rng.choice(ARTICLES), moving, *looks, kind) if word)


def _place(thing: Thing, rng: random.Random) -> str:
    if thing.place is None:
        return ""
    column, height = thing.place
    if thing.place == CENTRE:
        return " " + rng.choice(words.CENTRES)
    if height == "centre":
        return " " + rng.choice(words.COLUMNS[column])
    if column == "centre":
        return " " + rng.choice(words.HEIGHTS[height])
    return " " + rng.choice(words.CORNERS).format(height=height, column=column)


def _with_background(said: str, background: str, rng: random.Random) -> str:
    if not background:
        return said
    if background not in SCENERIES:
        return rng.choice(words.BACKGROUNDS).format(scene=said, colour=_colour(background, rng))
    name = rng.choice(words.SCENE_NAMES[background])
    ways = (f"{name}, {said}", f"{said}, {name}", f"{said}, {name} background", f"a {name} with {said}")
    return f"{said} {rng.choice(words.SCENES[background])}" if rng.random() < 0.7 else rng.choice(ways)


def _keywords(told: Saying, rng: random.Random) -> str:
    thing = told.things[0]
    kind = rng.choice(words.KINDS[thing.kind]) if thing.kind else ""
    noun = f"{_colour(thing.colour, rng)} {kind}".strip()
    motion = _motion(told, rng) if told.motion else ""
    said = [part for part in (noun, _backdrop(told.background, rng), motion) if part]
    return (" " if rng.random() < SPACED else ", ").join(said)


def _backdrop(background: str, rng: random.Random) -> str:
    if background in SCENERIES:
        return rng.choice(words.SCENE_NAMES[background])
    return f"{_colour(background, rng)} background" if background else ""


def _motion(told: Saying, rng: random.Random) -> str:
    return rng.choice(words.MOTIONS[str(told.motion)])


def _colour(colour: str, rng: random.Random) -> str:
    return rng.choice(words.COLOURS.get(colour, (colour,)))


def _chatter(rng: random.Random) -> str:
    return ", ".join(_filler(rng) for _ in range(rng.randint(1, 3)))


def _filler(rng: random.Random) -> str:
    if rng.random() < 0.4:
        return "".join(rng.choices(string.ascii_lowercase, k=rng.randint(2, 8)))
    return rng.choice((*words.FILLERS, *words.JOINING))


def _spoken_phrases() -> list[str]:
    tables = (
        words.KINDS, words.COLOURS, words.SIZES, words.COLUMNS, words.HEIGHTS, words.RELATIONS, words.ASIDE,
        words.BOTH, words.SCENES, words.SCENE_NAMES, words.MOTIONS,
    )  # fmt: skip
    lists = (
        COLOURS, words.NAMELESS, words.CENTRES, words.CORNERS, words.ROWS, words.BACKGROUNDS, words.OPENINGS,
        words.MOVING_OPENINGS, words.JOINING, ARTICLES, ("an",),
    )  # fmt: skip
    return [way for table in tables for ways in table.values() for way in ways] + [
        way for ways in lists for way in ways
    ]


def _split(*phrases: str) -> list[str]:
    """The single words of them, without the places held for others, in alphabetical order."""
    return sorted({word for phrase in phrases for word in re.findall("[a-z]+", re.sub(r"\{\w+\}", " ", phrase))})
