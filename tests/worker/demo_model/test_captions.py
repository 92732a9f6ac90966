"""Captions say what is in the scene, all of it but what they leave unsaid, in words that are known."""

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from shared.vocabulary import Vocabulary
from worker.demo_model import captions, captions_zh, words, words_zh
from worker.demo_model.captions import caption, chatter, known_words, vocabulary
from worker.demo_model.sayings import Saying, Thing, saying
from worker.demo_model.scenes import COLOURS, KINDS, MOTIONS, RELATIONS, SCENERIES, random_scene
from worker.demo_model.tokens import CAPTION_TOKENS, KNOWN_WORDS, UNKNOWN, new_tokenizer, write_known_words

CHINESE = re.compile("[一-龥]")
SPEAKERS = {"en": captions, "zh": captions_zh}
STAR, FISH = Thing("red", "star"), Thing("blue", "fish")


def seeded(seed: object) -> random.Random:
    return random.Random(f"{seed}")  # noqa: S311 - a reproducible scene is the point


def ways(told: Saying, language: str, count: int = 60) -> set[str]:
    """What one saying may sound like."""
    rng = seeded("ways")
    return {SPEAKERS[language].spoken(told, rng) for _ in range(count)}


def can_be_said(text: str, told: Saying, language: str) -> bool:
    rng = seeded("ways")
    return any(SPEAKERS[language].spoken(told, rng) == text for _ in range(30_000))


def random_captions(count: int) -> Iterator[str]:
    """Of stills, without words that mean nothing."""
    rng = seeded("captions")
    for _ in range(count):
        told = saying(random_scene(rng), rng, None)
        meant = [replace(thing, strange=False) for thing in told.things]
        told = replace(told, things=tuple(meant), idle_before=False, idle_after=False)
        yield (captions_zh if rng.random() < captions.CHINESE else captions).spoken(told, rng)


def test_two_thousand_captions_have_no_unknown_word_and_fit_the_length() -> None:
    said = list(random_captions(2000))

    tokens = [new.tokens for new in new_tokenizer()(said).encodings]

    assert [text for text, read in zip(said, tokens, strict=True) if UNKNOWN in read] == []
    assert max(map(len, tokens)) <= CAPTION_TOKENS


def test_a_third_is_in_chinese() -> None:
    rng = seeded("third")

    chinese = sum(bool(CHINESE.search(caption(random_scene(rng), rng))) for _ in range(1500))

    assert 400 < chinese < 600


def test_the_same_seed_says_the_same() -> None:
    scene = random_scene(seeded(1))

    first, second = ([caption(scene, rng) for _ in range(50)] for rng in (seeded(2), seeded(2)))

    assert first == second
    assert len(set(first)) > 20


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("language", "names"), [("en", words.KINDS), ("zh", words_zh.KINDS)])
def test_each_kind_is_named(kind: str, language: str, names: dict[str, tuple[str, ...]]) -> None:
    said = ways(Saying((Thing("red", kind),), None, "blue", None), language)

    assert all(any(name in way.lower() for name in names[kind]) for way in said)
    assert {name for name in names[kind] if any(name in way.lower() for way in said)} == set(names[kind])


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize(
    ("language", "names"), [("en", {c: words.COLOURS.get(c, (c,)) for c in COLOURS}), ("zh", words_zh.COLOURS)]
)
def test_each_colour_is_named_of_object_and_background(
    colour: str, language: str, names: dict[str, tuple[str, ...]]
) -> None:
    of_things = ways(Saying((Thing(colour, "star"),), None, "", None), language)
    of_grounds = ways(Saying((Thing("", "star"),), None, colour, None), language)

    assert all(any(name in way.lower() for name in names[colour]) for way in of_things | of_grounds)


def test_no_other_colour_kind_or_scenery_is_named() -> None:
    said = ways(Saying((STAR, FISH), "left", "green", None), "en", 200)

    strangers = ({*COLOURS} - {"red", "blue", "green"}) | ({*KINDS} - {"star", "fish"}) | {"night", "beach", "snow"}
    assert len(said) > 150
    assert [way for way in said if strangers & set(re.findall("[a-z]+", way.lower()))] == []


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize(("language", "star", "fish"), [("en", "star", "fish"), ("zh", "星", "鱼")])
def test_relations_read_both_ways(relation: str, language: str, star: str, fish: str) -> None:
    said = [way.lower() for way in ways(Saying((STAR, FISH), relation, "", None), language, 200)]

    assert all(star in way and fish in way for way in said)
    assert 0 < sum(way.index(star) < way.index(fish) for way in said) < len(said)


@pytest.mark.parametrize(
    ("relation", "english", "chinese"),
    [
        ("left", "a red star to the left of a blue fish", "红色星星在蓝色鱼的左边"),
        ("right", "a blue fish with a red star to its right", "蓝色鱼右边的红色星星"),
        ("above", "a red star above a blue fish", "上面是红色星星，下面是蓝色鱼"),
        ("below", "a red star below a blue fish", "红色星星在蓝色鱼下面"),
        ("inside", "a red star inside a blue fish", "蓝色鱼里有红色星星"),
    ],
)
def test_what_people_say_is_among_the_ways(relation: str, english: str, chinese: str) -> None:
    told = Saying((STAR, FISH), relation, "", None)

    assert can_be_said(english, told, "en")
    assert can_be_said(chinese, told, "zh")


def test_three_are_said_from_left_to_right() -> None:
    told = Saying((Thing("red", "sun"), Thing("blue", "sun"), Thing("green", "sun")), "row", "", None)

    assert can_be_said("a red sun, a blue sun and a green sun", told, "en")
    assert can_be_said("从左到右：红色太阳、蓝色太阳、绿色太阳", told, "zh")


def test_the_documents_example_is_among_the_ways() -> None:
    told = Saying((Thing("red", "circle"),), None, "white", None)

    assert can_be_said("白色背景上的红色圆形", told, "zh")
    assert can_be_said("a red circle on a white background", told, "en")


@pytest.mark.parametrize("scenery", SCENERIES)
@pytest.mark.parametrize(("language", "table"), [("en", words), ("zh", words_zh)])
def test_each_scenery_is_named(scenery: str, language: str, table: object) -> None:
    told = Saying((STAR,), None, scenery, None)
    names = [*getattr(table, "SCENES")[scenery], *getattr(table, "SCENE_NAMES")[scenery]]  # noqa: B009 - two modules

    assert all(any(name in way.lower() for name in names) for way in ways(told, language))


@pytest.mark.parametrize("motion", MOTIONS)
@pytest.mark.parametrize(("language", "table"), [("en", words.MOTIONS), ("zh", words_zh.MOTIONS)])
@pytest.mark.parametrize("things", [(), (STAR,), (STAR, FISH)])
def test_each_motion_is_named(
    motion: str, language: str, table: dict[str, tuple[str, ...]], things: tuple[Thing, ...]
) -> None:
    told = Saying(things, "left" if len(things) > 1 else None, "green" if things else "", motion)

    assert all(any(name in way.lower() for name in table[motion]) for way in ways(told, language))


def test_few_stills_name_a_motion() -> None:
    moving = re.compile("|".join(way for ways in words.MOTIONS.values() for way in ways))

    share = sum(bool(moving.search(said.lower())) for said in random_captions(1500)) / 1000

    assert 0.005 < share < 0.04


def test_an_article_goes_with_its_word() -> None:
    said = ways(Saying((Thing("orange", "star"),), None, "orange", None), "en", 200)

    assert any("an orange star" in way for way in said)
    assert [way for way in said if re.search(r"\ba [aeiou]|\ban [^aeiou]", way)] == []


@pytest.mark.parametrize("seed", range(3))
def test_chatter_says_nothing_of_the_picture(seed: int) -> None:
    rng = seeded(seed)
    meaning = {*COLOURS, *KINDS, *SCENERIES}

    said = " ".join(chatter(rng) for _ in range(200))

    assert not meaning & set(re.findall("[a-z]+", said))
    assert CHINESE.search(said)


def test_no_word_is_twice_in_the_vocabulary() -> None:
    assert len(set(vocabulary())) == len(vocabulary())
    assert len(set(known_words())) == len(known_words())


def test_words_that_are_to_be_passed_over_are_not_among_the_known_ones() -> None:
    assert {*words.FILLERS, *words_zh.FILLERS} & {*known_words()} == set()


def test_the_web_tier_is_told_what_is_known_now(tmp_path: Path) -> None:
    write_known_words(tmp_path / "words.txt")

    assert (tmp_path / "words.txt").read_text("utf-8") == KNOWN_WORDS.read_text("utf-8")


def test_what_is_known_is_what_captions_say() -> None:
    known = Vocabulary.read(KNOWN_WORDS)

    strange = {word for said in random_captions(1500) for word in known.unknown(said, 20)}

    assert strange == set()
    assert {*COLOURS, *KINDS, "红色", "圆形", "的", "夜空"} <= known.words
