"""Prompts that the service does not take: a file of words and patterns, one to a line."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from shared.settings import InvalidSettings


class Blocked:
    """Words are found as whole words, in any case and width; what stands between slashes is a regular expression."""

    def __init__(self, lines: Iterable[str] = ()) -> None:
        """Lines that are empty or begin with # say nothing. Raises re.error for a pattern that is none."""
        rules = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        self._pattern = re.compile("|".join(map(_pattern, rules)), re.IGNORECASE) if rules else None

    @classmethod
    def of(cls, file: Path | None) -> Self:
        """Raises InvalidSettings for a file that cannot be read or has a pattern that is none."""
        try:
            return cls(file.read_text("utf-8").splitlines() if file else ())
        except (OSError, UnicodeDecodeError, re.error) as error:
            raise InvalidSettings(f"BLOCKED_PROMPTS_FILE: {error}") from error

    def refuses(self, prompt: str) -> bool:
        """Whether something in the file is in this prompt."""
        return self._pattern is not None and self._pattern.search(_plain(prompt)) is not None


def _pattern(rule: str) -> str:
    if len(rule) > 2 and rule.startswith("/") and rule.endswith("/"):
        re.compile(rule[1:-1])  # each must be whole by itself: together they could hide a mistake
        return f"(?:{rule[1:-1]})"
    word = re.escape(_plain(rule))
    return rf"(?<![^\W_]){word}(?![^\W_])" if rule.isascii() else word


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text)
