"""Who gets how much of the devices, over the real claims: on both databases, on a clock that nobody waits for."""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from shared.lifecycle import Status
from shared.models import Task
from tests.orders import add_user
from tests.queues import Simulation, add_rate, jain, queue_up

SPEED = {"tiny": 100.0, "large": 100.0}  # seconds a unit
HOGS_TASKS = 500
OTHERS = 10
STEPS = (5, 10, 20, 40)


@pytest.fixture
def users(engine: Engine) -> list[int]:
    """The hog, then the others."""
    return [add_user(engine) for _ in range(1 + OTHERS)]


def mixed(seed: int, count: int, models: Sequence[str] = ("tiny", "large")) -> list[Mapping[str, Any]]:
    """Tasks of many sizes and two models; always the same ones."""
    chance = random.Random(seed)  # noqa: S311
    return [{"model": chance.choice(models), "steps": chance.choice(STEPS)} for _ in range(count)]


def everybody_waits(engine: Engine, users: Sequence[int]) -> bool:
    with engine.connect() as connection:
        waiting = select(func.count(Task.user_id.distinct())).where(Task.status == Status.QUEUED)
        return connection.scalar(waiting) == len(users)


def moments(engine: Engine, users: Sequence[int], simulation: Simulation) -> Iterator[float]:
    """A few seconds after the other, as long as everybody has something that waits."""
    while everybody_waits(engine, users):
        simulation.until(simulation.now + 5)
        yield simulation.now


def test_a_hog_gets_no_more_than_anybody_while_all_wait(engine: Engine, users: list[int]) -> None:
    for model, speed in SPEED.items():
        add_rate(engine, model, speed)
    queue_up(engine, users[0], *mixed(0, HOGS_TASKS))
    for number, user in enumerate(users[1:], start=1):
        queue_up(engine, user, *mixed(number, 12))
    simulation = Simulation(engine, 4, SPEED)

    *_, end = moments(engine, users, simulation)

    had = simulation.seconds(end)
    assert end > 60
    assert jain([had[user] for user in users]) >= 0.95


@pytest.mark.parametrize("thought", [1 / 3, 3.0])
def test_a_prediction_that_is_wrong_for_the_hog_is_made_up_for(
    engine: Engine, users: list[int], thought: float
) -> None:
    add_rate(engine, "tiny", SPEED["tiny"] * thought)
    add_rate(engine, "large", SPEED["large"])
    queue_up(engine, users[0], *mixed(0, HOGS_TASKS, ["tiny"]))
    for number, user in enumerate(users[1:], start=1):
        queue_up(engine, user, *mixed(number, 12, ["large"]))
    simulation = Simulation(engine, 4, SPEED)

    *_, end = moments(engine, users, simulation)

    had = simulation.seconds(end)
    assert jain([had[user] for user in users]) >= 0.95


def test_nobody_rides_along_in_every_call_of_the_others(engine: Engine, users: list[int]) -> None:
    add_rate(engine, "tiny", SPEED["tiny"])
    hog, *others = users[:3]
    sizes = [{"steps": 20, "height": 64 + 8 * number} for number in range(16)]
    queue_up(engine, hog, *sizes * 15)
    for number, user in enumerate(others):
        queue_up(engine, user, *sizes[number:], *sizes[:number])
    simulation = Simulation(engine, 1, SPEED)

    *_, end = moments(engine, [hog, *others], simulation)

    had = simulation.seconds(end)
    assert jain([had[user] for user in (hog, *others)]) >= 0.95


def test_a_newcomer_waits_for_no_more_than_one_batch_of_each_worker(engine: Engine, users: list[int]) -> None:
    add_rate(engine, "tiny", SPEED["tiny"])
    for number, user in enumerate(users):
        queue_up(engine, user, *mixed(number, 40, ["tiny"]))
    simulation = Simulation(engine, 2, SPEED)
    simulation.until(60)
    begun = len(simulation.runs)

    [task] = queue_up(engine, add_user(engine), {"model": "tiny", "steps": 10})
    simulation.until(120)

    before = {run.worker for run in simulation.runs[begun:] if run.start < simulation.started(task)}
    calls = {(run.worker, run.start) for run in simulation.runs[begun:] if run.start < simulation.started(task)}
    assert len(calls) == len(before)


def test_who_was_idle_has_saved_nothing_up(engine: Engine, users: list[int]) -> None:
    add_rate(engine, "tiny", SPEED["tiny"])
    early, late = users[:2]
    queue_up(engine, early, *[{"steps": 10}] * 100)
    simulation = Simulation(engine, 1, SPEED)
    simulation.until(100)
    begun = simulation.seconds(100)[early]

    queue_up(engine, late, *[{"steps": 10}] * 100)
    simulation.until(200)

    had = simulation.seconds(200)
    assert had[late] == pytest.approx(had[early] - begun, rel=0.2)


def test_who_used_an_idle_machine_is_not_punished_for_it(engine: Engine, users: list[int]) -> None:
    add_rate(engine, "tiny", SPEED["tiny"])
    early, late = users[:2]
    queue_up(engine, early, *[{"steps": 10}] * 20)
    simulation = Simulation(engine, 1, SPEED)
    simulation.until(1000)

    queue_up(engine, late, *[{"steps": 10}] * 40)
    queue_up(engine, early, *[{"steps": 10}] * 40)
    before = simulation.seconds(1000)
    simulation.until(1060)

    had = simulation.seconds(1060)
    assert had[early] - before[early] == pytest.approx(had[late], rel=0.3)


def test_tasks_that_come_at_the_same_time_are_each_charged(engine: Engine, users: list[int]) -> None:
    add_rate(engine, "tiny", SPEED["tiny"])
    many, one = users[:2]
    queue_up(engine, many, *[{"steps": 10}] * 3)
    [task] = queue_up(engine, one, {"steps": 10})
    simulation = Simulation(engine, 1, SPEED, batch=1)

    simulation.until(100)

    assert [run.user_id for run in simulation.runs] == [many, one, many, many]
    assert simulation.started(task) == simulation.runs[1].start
