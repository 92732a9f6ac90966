"""What is predicted for other numbers of workers, held against the real claims on a clock that nobody waits for."""

import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, update

from backend.reads import Reads
from backend.services.administration import scale
from backend.services.administration.scale import Scales
from shared import clock, db
from shared.catalog import Catalog
from shared.models import Rate, Task, User
from shared.settings import Settings
from tests.backend.admin import call
from tests.backend.conftest import Person
from tests.orders import add_user, row
from tests.queues import Simulation, add_rate, queue_up

SPEED = {"tiny": 100.0, "large": 40.0}  # seconds a unit
STEPS = (5, 10, 20, 40)
MODEL = """
[[models]]
id = "{id}"
source = "nowhere"
kinds = ["t2i"]
width = {{ min = 64, max = 256, default = 64 }}
height = {{ min = 64, max = 256, default = 64 }}
steps = {{ min = 1, max = 100, default = 20 }}
guidance_scale = {{ min = 1, max = 20, default = 4 }}
sampling_methods = ["DDIM"]
max_batch = 4
"""


@pytest.fixture
def scales(settings: Settings, tmp_path: Path) -> Iterator[Scales]:
    """For two models that make four pictures in a call, as the simulated workers do."""
    (tmp_path / "models.toml").write_text("".join(MODEL.format(id=name) for name in SPEED), "utf-8")
    reads = Reads.of(settings.database, 1)
    yield Scales(reads, Catalog.read(tmp_path / "models.toml"), 0)
    reads.close()


def mixed(seed: int, count: int) -> list[Mapping[str, Any]]:
    """Tasks of many sizes and both models; always the same ones."""
    chance = random.Random(seed)  # noqa: S311
    return [{"model": chance.choice(list(SPEED)), "steps": chance.choice(STEPS)} for _ in range(count)]


def really(engine: Engine, tasks: list[str], workers: int) -> list[float]:
    """How long these wait when so many workers claim them, the shortest wait first."""
    simulation = Simulation(engine, workers, SPEED)
    while len(simulation.runs) < len(tasks):
        simulation.until(simulation.now + 10)
    return sorted(simulation.started(task) for task in tasks)


def measure(engine: Engine) -> None:
    for model, speed in SPEED.items():
        add_rate(engine, model, speed)


@pytest.mark.parametrize("workers", [1, 3])
def test_the_prediction_is_what_the_real_claims_come_to(engine: Engine, scales: Scales, workers: int) -> None:
    measure(engine)
    tasks = [
        task for number in range(4) for task in queue_up(engine, add_user(engine), *mixed(number, 10 * number + 5))
    ]

    predicted = scales.predict(workers)

    waits = really(engine, tasks, workers)
    assert (predicted.waiting, predicted.unmeasured) == (80, 0)
    assert predicted.p50_seconds == pytest.approx(waits[39], rel=0.1)
    assert predicted.p90_seconds == pytest.approx(waits[71], rel=0.1)


def test_who_may_have_only_one_at_a_time_is_not_helped_by_more_workers(engine: Engine, scales: Scales) -> None:
    measure(engine)
    user = add_user(engine)
    with db.write(engine) as connection:
        connection.execute(update(User).where(User.id == user).values(running_cap=1))
    tasks = queue_up(engine, user, *mixed(0, 12))

    few, many = scales.predict(1), scales.predict(8)

    waits = really(engine, tasks, 8)
    assert few.p90_seconds == many.p90_seconds == pytest.approx(waits[10], rel=0.1)


def test_what_runs_already_comes_first(engine: Engine, scales: Scales) -> None:
    measure(engine)
    running = {"status": "processing", "worker_id": "w", "started_at": clock.now()}
    queue_up(engine, add_user(engine), {"steps": 100})
    with db.write(engine) as connection:
        connection.execute(update(Task).values(**running))
    [task] = queue_up(engine, add_user(engine), {})

    alone, beside = scales.predict(1), scales.predict(2)

    assert row(engine, task).status == "queued"
    assert alone.p50_seconds == pytest.approx(100 * 0.4096, abs=3)
    assert beside.p50_seconds == 0


def test_runs_that_differ_more_make_the_slow_waits_longer(engine: Engine, scales: Scales) -> None:
    add_rate(engine, "tiny", 100.0)
    queue_up(engine, add_user(engine), *[{"steps": 20}] * 40)
    steady = scales.predict(2)
    with db.write(engine) as connection:
        connection.execute(update(Rate).values(p90=3.0))

    uneven = scales.predict(2)

    assert steady.p90_seconds
    assert uneven.p90_seconds
    assert uneven.p90_seconds > steady.p90_seconds


def test_a_queue_that_is_longer_than_what_is_simulated_is_taken_to_be_like_it(
    engine: Engine, scales: Scales, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure(engine)
    queue_up(engine, add_user(engine), *mixed(1, 60))
    whole = scales.predict(2)
    monkeypatch.setattr(scale, "MOST", 20)

    part = scales.predict(2)

    assert part.waiting == whole.waiting == 60
    assert part.p90_seconds == pytest.approx(whole.p90_seconds, rel=0.35)


def test_the_same_queue_has_the_same_prediction(engine: Engine, scales: Scales) -> None:
    add_rate(engine, "tiny", 100.0, p90=2.0)
    queue_up(engine, add_user(engine), *mixed(2, 20))

    assert scales.predict(2) == scales.predict(2)


def test_nothing_is_invented_where_nothing_was_measured(admin: Person, alice: Person, engine: Engine) -> None:
    empty = call(admin, "GET", "/scale?workers=2").get_json()["data"]
    alice.submit()

    unmeasured = call(admin, "GET", "/scale?workers=2").get_json()["data"]

    assert empty == {"workers": 2, "waiting": 0, "unmeasured": 0, "p50_seconds": None, "p90_seconds": None}
    assert unmeasured == {**empty, "waiting": 1, "unmeasured": 1}


def test_the_route_predicts_for_the_queue_as_it_is(admin: Person, alice: Person, engine: Engine) -> None:
    for _ in range(10):
        alice.submit()
    add_rate(engine, "darkroom-demo", 10.0)

    one, two = (call(admin, "GET", f"/scale?workers={n}").get_json()["data"] for n in (1, 2))

    assert (one["waiting"], two["waiting"]) == (10, 10)
    assert 0 < two["p90_seconds"] < one["p90_seconds"]
