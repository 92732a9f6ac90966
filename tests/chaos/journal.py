"""What clients were told of each task, in the order in which they were told it."""

from dataclasses import dataclass, field
from typing import Any

ENDED = frozenset({"completed", "failed", "cancelled"})


@dataclass(frozen=True)
class Sight:
    """One answer about a task, and when it came."""

    at: float
    state: str
    attempt: int
    step: int | None

    @classmethod
    def of(cls, data: dict[str, Any], at: float) -> "Sight":
        return cls(at, data["state"], data["attempt"], data["step"])


@dataclass
class Journal:
    """A task that was accepted: what was asked for, what became of it, what its user did with it."""

    task: str
    account: str
    images: int
    size: int
    accepted_at: float
    sights: list[Sight] = field(default_factory=list)
    cancelled: bool = False
    favourite: str | None = None
    deleted: bool = False

    @property
    def state(self) -> str:
        return self.sights[-1].state if self.sights else "queued"

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def seconds(self) -> float:
        """From the submit's answer to the first one that said it has ended."""
        return next((sight.at for sight in self.sights if sight.state in ENDED), self.accepted_at) - self.accepted_at

    def see(self, data: dict[str, Any], at: float) -> None:
        """Note an answer; the same one again is not written down twice."""
        sight = Sight.of(data, at)
        last = self.sights[-1] if self.sights else None
        if last is None or (last.state, last.attempt, last.step) != (sight.state, sight.attempt, sight.step):
            self.sights.append(sight)

    def afterlife(self) -> list[str]:
        """States that were told after a final one."""
        states = [sight.state for sight in self.sights]
        first = next((place for place, state in enumerate(states) if state in ENDED), len(states))
        return states[first + 1 :]

    def backward(self) -> list[tuple[Sight, Sight]]:
        """Pairs of answers of which the second is behind the first: a lower attempt, or a lower step of one attempt."""
        moving = [sight for sight in self.sights if sight.state not in ENDED]
        back: list[tuple[Sight, Sight]] = []
        furthest: Sight | None = None
        for sight in moving:
            if furthest is not None and _place(sight, furthest) < _place(furthest, furthest):
                back.append((furthest, sight))
            furthest = sight if sight.step is not None or furthest is None or _differs(sight, furthest) else furthest
        return back


def _place(sight: Sight, before: Sight) -> tuple[int, int, int]:
    """Of a sight in a task's life: attempt 1 runs, then it waits for attempt 2, and so on."""
    step = sight.step if sight.step is not None else (before.step or 0)
    return sight.attempt, sight.state == "queued", step if sight.state == "processing" else 0


def _differs(sight: Sight, before: Sight) -> bool:
    return (sight.attempt, sight.state) != (before.attempt, before.state)
