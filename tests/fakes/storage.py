"""A storage in which nothing is."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class FakeStorage:
    """Remembers what was deleted; `meanwhile` happens with each deletion."""

    deleted: list[str] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    def delete(self, key: str) -> None:
        self.deleted.append(key)
        self.meanwhile()

    def folders(self) -> list[str]:
        return []

    def probe(self) -> None:
        """Always there."""
