"""Which words a model knows, for telling those who use others that it passes them over. Knows no model."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

CHINESE = re.compile("([\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]+)")
APOSTROPHES = "'’"
LETTERS, MARKS, NUMBERS = "L", "M", "N"


@dataclass(frozen=True)
class Vocabulary:
    """Lower-case words, and Chinese ones, which are found in a sentence without spaces: the longest that fits counts.

    Other words count by themselves alone: there is no "red" in "bored", and none in "red_car" or "red的圆" either.
    """

    words: frozenset[str]

    @classmethod
    def of(cls, lines: Iterable[str]) -> Self:
        """From one word a line. Raises ValueError saying which is none."""
        found = [unicodedata.normalize("NFC", line.strip()).lower() for line in lines]
        for number, word in enumerate(found, 1):
            if word and list(_words(word)) != [word]:
                raise ValueError(f"line {number} is not one word")
        if not any(found):
            raise ValueError("it has no words")
        return cls(frozenset(filter(None, found)))

    @classmethod
    def read(cls, file: Path) -> Self:
        """Raises ValueError naming the file that is missing or wrong."""
        try:
            return cls.of(file.read_text("utf-8").splitlines())
        except (OSError, ValueError) as error:
            raise ValueError(f"{file}: {error}") from error

    def unknown(self, text: str, limit: int) -> tuple[str, ...]:
        """The first words of a text that are not known, each once, as they stand there. Numbers are no words."""
        found: dict[str, str] = {}
        for word in _words(unicodedata.normalize("NFC", text)):
            for piece in self._strange(word):
                found.setdefault(piece.lower(), piece)
            if len(found) >= limit:
                break
        return tuple(found.values())[:limit]

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self.words))

    def _strange(self, word: str) -> Iterator[str]:
        """What of a word, or of Chinese between others, is unknown."""
        if not CHINESE.search(word):
            if not {word.lower(), re.split(f"[{APOSTROPHES}]", word.lower())[0]} & self.words:
                yield word
            return
        for part in filter(None, CHINESE.split(word)):
            yield from self._strange_chinese(part) if CHINESE.match(part) else filter(_is_word, [part])

    def _strange_chinese(self, text: str) -> Iterator[str]:
        begun = at = 0
        while at < len(text):
            sizes = range(min(self._longest, len(text) - at), 0, -1)
            size = next((size for size in sizes if text[at : at + size] in self.words), 0)
            if size and begun < at:
                yield text[begun:at]
            at += size or 1
            begun = at if size else begun
        if begun < at:
            yield text[begun:at]


def _words(text: str) -> Iterator[str]:
    """What stands between spaces and signs; what is all numbers and marks is left out."""
    plain = "".join(letter if _belongs(letter) else " " for letter in text)
    return (word for piece in plain.split() if _is_word(word := piece.strip(APOSTROPHES)))


def _belongs(letter: str) -> bool:
    return letter in f"_{APOSTROPHES}" or unicodedata.category(letter)[0] in LETTERS + MARKS + NUMBERS


def _is_word(piece: str) -> bool:
    """With a letter, and no number among them: 3d, 4k and 1920x1080 are none."""
    kinds = {unicodedata.category(letter)[0] for letter in piece}
    return LETTERS in kinds and (NUMBERS not in kinds or CHINESE.search(piece) is not None)
