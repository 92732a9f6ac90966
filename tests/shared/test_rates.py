"""How long tasks take, as it is learnt from runs, and how wrong it was."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import Engine, update

from shared import db
from shared.claims import Claims
from shared.generation import Kind
from shared.models import Task
from shared.queue_order import Priority, beginning
from shared.rates import RATES, UNMEASURED_SECONDS, Rates, units
from tests.orders import PARAMETERS, add_user, row
from tests.queues import add_rate, queue_up


@pytest.fixture
def claims(engine: Engine) -> Claims:
    return Claims(engine, "worker", 3600, 3)


def known(engine: Engine) -> Rates:
    with engine.connect() as connection:
        return Rates.of(connection.execute(RATES))


def run(engine: Engine, claims: Claims, *seconds: float) -> None:
    """As many tasks, each alone, of a user of their own."""
    user = add_user(engine)
    for each in seconds:
        queue_up(engine, user, {"steps": 10})
        [claim] = claims.claim("gpu", lambda shape: 1)
        claims.complete(claim, [])
        claims.measured([claim], each)


@pytest.mark.parametrize(
    ("kind", "parameters", "expected"),
    [
        (Kind.TEXT_TO_IMAGE, {"steps": 10, "width": 1000, "height": 500}, 5),
        (Kind.TEXT_TO_IMAGE, {"steps": 10, "width": 1000, "height": 500, "num_images": 3}, 15),
        (Kind.IMAGE_TO_IMAGE, {"steps": 10, "width": 1000, "height": 500, "strength": 0.5}, 2.5),
        (Kind.TEXT_TO_VIDEO, {"steps": 10, "width": 1000, "height": 500, "num_frames": 8}, 40),
        (Kind.TEXT_TO_IMAGE, {"steps": 0, "width": 1000, "height": 500, "provider": "mine"}, 0.5),
    ],
)
def test_work_is_counted_by_steps_pixels_frames_and_pictures(
    kind: Kind, parameters: dict[str, float], expected: float
) -> None:
    assert units(kind, replace(PARAMETERS, **parameters)) == pytest.approx(expected)


def test_without_any_run_there_is_a_guess_and_no_measure() -> None:
    rates = Rates({})

    assert rates.seconds("tiny", "t2i", 10) == 10 * UNMEASURED_SECONDS
    assert rates.find("tiny", "t2i") is None


def test_a_model_that_was_not_measured_is_taken_for_the_mean_of_the_others(engine: Engine) -> None:
    add_rate(engine, "tiny", 1)
    add_rate(engine, "large", 3)

    assert known(engine).seconds("new", "t2i", 10) == 20


def test_the_first_run_replaces_the_guess_and_later_ones_refine_it(engine: Engine, claims: Claims) -> None:
    work = units(Kind.TEXT_TO_IMAGE, replace(PARAMETERS, steps=10))
    run(engine, claims, 4.0)
    first = known(engine).seconds("tiny", "t2i", work)

    run(engine, claims, 6.0)

    assert first == pytest.approx(4)
    assert known(engine).seconds("tiny", "t2i", work) == pytest.approx(5)


def test_a_change_is_followed_within_some_dozens_of_runs(engine: Engine, claims: Claims) -> None:
    run(engine, claims, *[4.0] * 20)

    run(engine, claims, *[8.0] * 30)

    work = units(Kind.TEXT_TO_IMAGE, replace(PARAMETERS, steps=10))
    assert known(engine).seconds("tiny", "t2i", work) == pytest.approx(8, rel=0.1)


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
def test_the_quantiles_part_the_runs_as_they_should(engine: Engine, claims: Claims) -> None:
    seconds: Sequence[float] = [4.0, 4.4, 5.0, 4.2, 9.0, 4.1, 4.6, 4.3, 4.8, 4.5] * 12

    run(engine, claims, *seconds)

    rate = known(engine).find("tiny", "t2i")
    assert rate
    work = units(Kind.TEXT_TO_IMAGE, replace(PARAMETERS, steps=10))
    thought = known(engine).seconds("tiny", "t2i", work)
    assert 4.0 <= thought * rate.p50 <= 5.0
    assert 4.8 <= thought * rate.p90 <= 10.0


def test_the_tasks_of_a_call_share_its_seconds(engine: Engine, claims: Claims) -> None:
    first, second = queue_up(engine, add_user(engine), {"num_images": 1}, {"num_images": 3})
    claimed = claims.claim("gpu", lambda shape: 2)

    claims.measured(claimed, 8.0)

    rates, alone = known(engine), [row(engine, task).units for task in (first, second)]
    assert [rates.seconds("tiny", "t2i", each) for each in alone] == [pytest.approx(2), pytest.approx(6)]


def test_from_a_call_that_was_stopped_nothing_is_learnt(engine: Engine, claims: Claims) -> None:
    queue_up(engine, add_user(engine), {})
    claimed = claims.claim("gpu", lambda shape: 1)

    claims.measured(claimed, 1.0, whole=False)

    assert known(engine).find("tiny", "t2i") is None


def test_who_was_charged_too_little_waits_longer_and_the_other_way_round(engine: Engine, claims: Claims) -> None:
    add_rate(engine, "tiny", 100)
    dear, cheap = add_user(engine), add_user(engine)
    behind = [queue_up(engine, user, {}, {})[1] for user in (dear, cheap)]
    before = [row(engine, task).virtual_start for task in behind]
    claimed = [claims.claim("gpu", lambda shape: 1) for _ in range(2)]
    cost = row(engine, behind[0]).cost

    for calls, seconds in zip(claimed, (3 * cost, cost / 2), strict=True):
        claims.measured(calls, seconds)

    moved = [row(engine, task).virtual_start - start for task, start in zip(behind, before, strict=True)]
    assert moved == [pytest.approx(2 * cost, abs=1e-5), pytest.approx(-cost / 2, abs=1e-5)]


def test_a_correction_moves_nobody_out_of_their_priority(engine: Engine, claims: Claims) -> None:
    add_rate(engine, "tiny", 100)
    _, behind = queue_up(engine, add_user(engine), {}, {})
    claimed = claims.claim("gpu", lambda shape: 1)

    for _ in range(3):  # by workers that each took it for theirs
        claims.measured(claimed, 0.0)

    assert row(engine, behind).virtual_start == beginning(Priority.NORMAL)


def test_how_wrong_the_told_times_were_is_kept(engine: Engine, claims: Claims) -> None:
    queue_up(engine, add_user(engine), {}, {})
    for expected in (1e6, 1e6):  # it takes no time at all
        with db.write(engine) as connection:
            connection.execute(update(Task).values(expected_seconds=expected))
        [claim] = claims.claim("gpu", lambda shape: 1)
        claims.complete(claim, [])
        claims.measured([claim], 1.0)

    rates = known(engine)
    [measured], told = rates.measured.values(), rates.eta_error("tiny", "t2i")
    assert measured.etas == 2
    assert told is not None
    assert told.covered == pytest.approx(0.5, abs=0.5)
    assert told.error > 1


def test_a_task_that_was_told_no_time_tells_nothing_of_them(engine: Engine, claims: Claims) -> None:
    run(engine, claims, 1.0)

    assert known(engine).eta_error("tiny", "t2i") is None
