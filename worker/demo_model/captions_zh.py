"""The Chinese half of the captions: the same sayings, as somebody would put them in Chinese."""

import random
import re

from worker.demo_model import words_zh as words
from worker.demo_model.sayings import LOOSE, Saying, Thing
from worker.demo_model.scenes import ROW, SCENERIES

COUNTED = 0.55
PLAIN_COLOUR = 0.15
CLOSE_SIZE = 0.5
JOINED = 0.5
AS_A_NOUN = 0.35
BOTH_PLACED = 0.15
MOVING_AHEAD = 0.4
SECOND_FIRST = 0.2
HALF_WIDTH = 0.1
STOP = 0.12
OPENED = 0.12
FULL_TO_HALF = str.maketrans("，：", ",:")
# Of the common Chinese characters, for words that the model has never seen.
CJK = (0x4E00, 0x9FA5)
PUNCTUATION = "，。、："


def spoken(told: Saying, rng: random.Random) -> str:
    """The saying in Chinese."""
    said = _keywords(told, rng) if told.keywords else _sentence(told, rng)
    if told.idle_before:
        said = f"{_filler(rng)}，{said}"
    if told.idle_after:
        said = f"{said}，{chatter(rng)}"
    if rng.random() < STOP:
        said += "。"
    return said.translate(FULL_TO_HALF) if rng.random() < HALF_WIDTH else said


def chatter(rng: random.Random) -> str:
    """Words that say nothing about the picture, some of them never seen before."""
    return "，".join(_filler(rng) for _ in range(rng.randint(1, 2)))


def known_words() -> list[str]:
    """The words that mean something to the model, and those that only join them."""
    return _split(*_spoken_phrases(), *words.SMALL_WORDS)


def characters() -> list[str]:
    """Every character of the words, also of those to be passed over, in the order of their code points."""
    return sorted(set("".join(_split(*_spoken_phrases(), *words.FILLERS))))


def _sentence(told: Saying, rng: random.Random) -> str:
    if not told.things:
        return _motion(told, rng)
    said, is_noun, motion = _things(told, rng)
    said = _with_background(said, is_noun, told.background, rng)
    if rng.random() < OPENED:
        said = rng.choice(words.MOVING_OPENINGS if told.motion else words.OPENINGS) + said
    return f"{said}，{motion}" if motion else said


def _things(told: Saying, rng: random.Random) -> tuple[str, bool, str]:
    """The objects, whether they are said as a noun, and the motion if that is still to be said."""
    motion = _motion(told, rng) if told.motion else ""
    if len(told.things) > 1:
        return *_together(told, rng), motion
    noun = _noun(told.things[0], rng)
    if motion:
        noun = f"{motion}的{noun}" if rng.random() < MOVING_AHEAD else rng.choice(words.MOVING).format(noun, motion)
    if told.things[0].place is None:
        return noun, True, ""
    where = rng.choice(words.PLACES[told.things[0].place])
    return rng.choice(words.PLACED).format(noun=noun, where=where), False, ""


def _together(told: Saying, rng: random.Random) -> tuple[str, bool]:
    nouns = [_noun(thing, rng) for thing in told.things]
    relation = str(told.relation)
    if relation == ROW:
        is_noun = rng.random() < AS_A_NOUN
        return rng.choice(words.ROW_NOUNS if is_noun else words.ROW_CLAUSES).format(*nouns), is_noun
    first, second = nouns
    if relation == LOOSE and rng.random() < JOINED:
        return rng.choice(words.TOGETHER).format(first=first, second=second), True
    if relation in words.BOTH and rng.random() < BOTH_PLACED:
        return rng.choice(words.BOTH[relation]).format(first=first, second=second), False
    if relation in words.OPPOSITES and rng.random() < SECOND_FIRST:
        first, second, relation = second, first, words.OPPOSITES[relation]
    where = rng.choice(words.RELATIONS[relation])
    is_noun = rng.random() < AS_A_NOUN
    way = words.NOUN if is_noun else rng.choice(words.CLAUSES)
    return way.format(first=first, second=second, where=where), is_noun


def _noun(thing: Thing, rng: random.Random) -> str:
    """Such as 一个小的红色圆形, 一个红色的小圆形 or 红圆形."""
    kind = rng.choice(words.KINDS[thing.kind] if thing.kind else words.NAMELESS)
    size = rng.choice(words.SIZES[thing.size]) if thing.size else ""
    count = "一" + rng.choice(words.MEASURES.get(thing.kind, words.MEASURE)) if rng.random() < COUNTED else ""
    if size and len(size) == 1 and rng.random() < CLOSE_SIZE:
        return f"{count}{_colour(thing.colour, rng) + '的' if thing.colour else ''}{size}{kind}"
    of_size = f"{size}的" if size else ""
    if thing.strange:
        of_size = f"{_filler(rng)}的{of_size}"
    if not thing.colour:
        return f"{count}{of_size}{kind}"
    if rng.random() < PLAIN_COLOUR:
        return f"{count}{of_size}{words.COLOURS[thing.colour][1]}{kind}"
    return f"{count}{of_size}{_colour(thing.colour, rng)}{rng.choice(('的', ''))}{kind}"


def _with_background(said: str, is_noun: bool, background: str, rng: random.Random) -> str:
    if not background:
        return said
    ahead = is_noun and rng.random() < 0.6
    if background not in SCENERIES:
        ways = words.BACKGROUND_AHEAD if ahead else words.BACKGROUND_APART
        return rng.choice(ways).format(scene=said, colour=_colour(background, rng))
    place, name = rng.choice(words.SCENES[background]), rng.choice(words.SCENE_NAMES[background])
    return rng.choice(words.SCENE_AHEAD if ahead else words.SCENE_APART).format(scene=said, place=place, name=name)


def _keywords(told: Saying, rng: random.Random) -> str:
    thing = told.things[0]
    kind = rng.choice(words.KINDS[thing.kind]) if thing.kind else ""
    colour = rng.choice(words.COLOURS[thing.colour]) if thing.colour else ""
    between = rng.choice(("，", " ", "的", "", "")) if kind and colour else ""
    motion = _motion(told, rng) if told.motion else ""
    said = [part for part in (colour + between + kind, _backdrop(told.background, rng), motion) if part]
    return rng.choice(("，", " ", "、")).join(said)


def _backdrop(background: str, rng: random.Random) -> str:
    if background in SCENERIES:
        return rng.choice(words.SCENE_NAMES[background])
    return f"{_colour(background, rng)}背景" if background else ""


def _motion(told: Saying, rng: random.Random) -> str:
    return rng.choice(words.MOTIONS[str(told.motion)])


def _colour(colour: str, rng: random.Random) -> str:
    """The long form, the one with 色."""
    return rng.choice([way for way in words.COLOURS[colour] if way.endswith("色")])


def _filler(rng: random.Random) -> str:
    if rng.random() < 0.3:
        return "".join(chr(rng.randint(*CJK)) for _ in range(rng.randint(1, 3)))
    return rng.choice((*words.FILLERS, *words.SOFTENING))


def _spoken_phrases() -> list[str]:
    tables = (
        words.KINDS, words.MEASURES, words.COLOURS, words.SIZES, words.PLACES, words.RELATIONS, words.BOTH,
        words.SCENES, words.SCENE_NAMES, words.MOTIONS,
    )  # fmt: skip
    lists = (
        words.NAMELESS, words.CLAUSES, words.TOGETHER, words.ROW_NOUNS, words.ROW_CLAUSES, words.BACKGROUND_AHEAD,
        words.BACKGROUND_APART, words.SCENE_AHEAD, words.SCENE_APART, words.PLACED, words.MOVING, words.OPENINGS,
        words.MOVING_OPENINGS, words.JOINING, words.SOFTENING,
    )  # fmt: skip
    phrases = [way for table in tables for ways in table.values() for way in ways]
    return phrases + [way for ways in lists for way in ways]


def _split(*phrases: str) -> list[str]:
    """The pieces between punctuation and the places held for others, in the order of their code points."""
    return sorted({piece for phrase in phrases for piece in re.findall("[一-龥]+", re.sub(r"\{\w*\}", " ", phrase))})
