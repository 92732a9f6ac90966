"""Words that a model knows, and those of a prompt that it does not."""

from pathlib import Path

import pytest

from shared.vocabulary import Vocabulary

KNOWN = Vocabulary.of(["a", "the", "of", "red", "circle", "sun", "café", "红", "红色", "的", "圆", "圆形", "一", "个"])


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("a red circle", ()),
        ("A RED Circle!", ()),
        ("(red:1.3), [circle]", ()),
        ("a bored cat", ("bored", "cat")),
        ("Cat, cat and CAT", ("Cat", "and")),
        ("redcar red_circle", ("redcar", "red_circle")),
        ("red-cat/circle", ("cat",)),
        ("the sun's red", ()),
        ("don’t 'red'", ("don’t",)),
        ("4k 3d 1920x1080 42 ½", ()),
        ("cafe\u0301 CAFÉ", ()),
        ("cafe", ("cafe",)),
        ("红色的圆形", ()),
        ("一个红色圆", ()),
        ("一只可爱的红猫", ("只可爱", "猫")),
        ("红色，圆形。", ()),
        ("3个圆", ()),
        ("red的圆", ("red",)),
        ("紅色", ("紅色",)),
        ("😀 ❤️ 🇨🇳 \u200d\ufe0f", ()),
        ("красный круг", ("красный", "круг")),
        ("हिन्दी", ("हिन्दी",)),
        ("\x00\ud800\u202e", ()),
        ("\u0301\u0301", ()),
        ("", ()),
        (" \n\t", ()),
    ],
)
def test_the_unknown_words_of_a_text(text: str, unknown: tuple[str, ...]) -> None:
    assert KNOWN.unknown(text, 20) == unknown


def test_of_many_unknown_words_the_first_are_named() -> None:
    text = " ".join(f"w{chr(97 + n)}" for n in range(26)) + "猫狗红" * 30

    assert KNOWN.unknown(text, 3) == ("wa", "wb", "wc")


@pytest.mark.parametrize(
    "text", ["猫" * 100_000, "cat " * 100_000, "红猫" * 50_000, "'" * 100_000, "e\u0301" * 100_000]
)
def test_a_long_text_is_read_all_the_same(text: str) -> None:
    assert len(KNOWN.unknown(text, 20)) <= 1


def test_a_file_has_one_word_a_line(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_text("Red\n\n  circle \n红色\n", "utf-8")

    assert Vocabulary.read(file).words == {"red", "circle", "红色"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file"),
        (b"", "has no words"),
        (b"\n \n", "has no words"),
        (b"\xff\xfe", "decode"),
        (b"red\nplus sign\n", "line 2 is not one word"),
        (b"red\n\n42\n", "line 3 is not one word"),
        (b"red,", "line 1 is not one word"),
    ],
)
def test_a_file_that_is_wrong_is_named(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "words.txt"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(ValueError, match=rf"words\.txt.*{said}"):
        Vocabulary.read(file)
