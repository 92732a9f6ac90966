"""Stand-ins for what goes to Redis: they remember."""

from dataclasses import dataclass, field

from shared.messages import QUEUES, Wake
from shared.progress import Progress


@dataclass
class FakeBoard:
    """Remembers progress and previews; the tasks of `to_stop` have been asked to stop."""

    written: list[tuple[str, Progress]] = field(default_factory=list)
    announced: list[str] = field(default_factory=list)
    to_stop: set[str] = field(default_factory=set)
    shown: list[tuple[str, int, int, bytes]] = field(default_factory=list)

    def write(self, task: str, progress: Progress) -> bool:
        self.written.append((task, progress))
        return task in self.to_stop

    def is_to_stop(self, task: str, fence: int) -> bool:
        return task in self.to_stop

    def announce(self, task: str) -> None:
        self.announced.append(task)

    def show(self, task: str, fence: int, number: int, picture: bytes) -> None:
        self.shown.append((task, fence, number, picture))


@dataclass
class FakeQueue:
    """Remembers hints as far as they travel; `reachable` is whether the broker takes them."""

    reachable: bool = True
    sent: list[Wake] = field(default_factory=list)

    def send(self, hint: Wake) -> bool:
        if hint.queue not in QUEUES:
            return False
        self.sent.append(hint)
        return self.reachable
