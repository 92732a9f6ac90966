"""The harness sees it when a user is told something that is behind what they were told before."""

import pytest

from tests.chaos.journal import Journal, Sight

QUEUED, LOST = ("queued", 0, None), ("queued", 1, None)


def journal(*sights: tuple[str, int, int | None]) -> Journal:
    """Of a task about which this was told: state, attempt, step."""
    made = Journal("task", "visitor", images=1, size=64, accepted_at=0)
    for at, (state, attempt, step) in enumerate(sights):
        made.see({"state": state, "attempt": attempt, "step": step}, at)
    return made


def running(attempt: int, step: int | None) -> tuple[str, int, int | None]:
    return "processing", attempt, step


@pytest.mark.parametrize(
    "sights",
    [
        [QUEUED, running(1, None), running(1, 1), running(1, 5), ("completed", 1, None)],
        [running(1, 5), running(1, None), running(1, 6)],  # the broker has forgotten for a moment
        [running(1, 5), LOST, running(2, 0), running(2, 3)],
        [running(1, 5), running(2, 1)],
        [running(1, 5), LOST, ("failed", 1, None)],
        [QUEUED, QUEUED],
    ],
)
def test_what_goes_forward_is_no_trouble(sights: list[tuple[str, int, int | None]]) -> None:
    assert journal(*sights).backward() == []


@pytest.mark.parametrize(
    "sights",
    [
        [running(1, 5), running(1, 4)],
        [running(1, 5), running(1, None), running(1, 4)],
        [running(1, 5), QUEUED],
        [running(2, 1), running(1, 9)],
        [running(2, 1), LOST],
    ],
)
def test_what_goes_back_is_seen(sights: list[tuple[str, int, int | None]]) -> None:
    assert len(journal(*sights).backward()) == 1


def test_each_way_back_counts() -> None:
    assert len(journal(running(1, 5), running(1, 2), running(1, 4), QUEUED, running(1, 1)).backward()) == 2


def test_a_state_after_the_end_is_seen() -> None:
    told = journal(running(1, 5), ("completed", 1, None), running(2, 1), ("completed", 2, None))

    assert told.afterlife() == ["processing", "completed"]


def test_the_same_answer_again_is_one_sight() -> None:
    told = journal(running(1, 5), running(1, 5))

    assert told.sights == [Sight(0, "processing", 1, 5)]
