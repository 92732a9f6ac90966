"""One thing that was looked at."""

from collections.abc import Sequence
from dataclasses import dataclass

SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """What is so; with `advice` it is a trouble, and that is what to do about it."""

    about: str
    said: str
    advice: str = ""

    @property
    def is_well(self) -> bool:
        return not self.advice

    def __str__(self) -> str:
        mark = "ok     " if self.is_well else "TROUBLE"
        lines = [f"{mark} {self.about}: {self.said}", *([f"        -> {self.advice}"] if self.advice else [])]
        return "\n".join(lines)


def listed(names: Sequence[str]) -> str:
    """The first few of them."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
