"""What a worker learns from its runs: how long they took, without what is no part of them."""

from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from shared.claims import Claim, Claims
from shared.lifecycle import Status
from shared.rates import RATES, Rates
from shared.storage import LocalStorage
from tests.fakes.board import FakeBoard
from tests.fakes.generator import FakeGenerator
from tests.orders import add_user, row
from tests.queues import queue_up
from worker.duty import Duty
from worker.finisher import Finisher
from worker.job import Jobs
from worker.leases import Leases
from worker.stopwatch import Stopwatch

MakeJobs = Callable[..., Jobs]


class ForgetfulClaims(Claims):
    """The database is away whenever a run is to be recorded."""

    def measured(self, claimed: Sequence[Claim], seconds: float, *, whole: bool = True) -> None:
        raise OperationalError("UPDATE", {}, Exception("gone away"))


@pytest.fixture
def board() -> FakeBoard:
    return FakeBoard()


@pytest.fixture
def jobs(leases: Leases, storage: LocalStorage, board: FakeBoard) -> MakeJobs:
    def make(claims: Claims, generator: FakeGenerator) -> Jobs:
        finisher = Finisher(claims, leases, storage, board.announce)
        return Jobs(claims, leases, generator, finisher, board, Duty())  # type: ignore[arg-type]

    return make


def known(engine: Engine) -> Rates:
    with engine.connect() as connection:
        return Rates.of(connection.execute(RATES))


def seconds(*ticks: tuple[float, int, str], end: float) -> float | None:
    """What a stopwatch says that began at 0 and heard of these steps at these times."""
    times = iter([0.0, *(moment for moment, step, phase in ticks if step and not phase), end])
    watch = Stopwatch(lambda: next(times))
    for _, step, phase in ticks:
        watch.tick(step, phase)
    return watch.seconds()


def test_what_lies_before_the_first_step_counts_as_one_more() -> None:
    assert seconds((20.0, 1, ""), (21.0, 2, ""), (22.0, 3, ""), end=22.5) == pytest.approx(3.5)


def test_steps_that_were_not_told_one_by_one_count_too() -> None:
    assert seconds((20.0, 2, ""), (24.0, 6, ""), end=24.0) == pytest.approx(6)


def test_a_single_step_takes_all_of_the_time() -> None:
    assert seconds((3.0, 1, ""), end=3.5) == 3.5


def test_a_single_step_after_a_loading_tells_nothing() -> None:
    assert seconds((0.0, 0, "loading"), (3.0, 1, ""), end=3.5) is None


def test_each_run_is_recorded_once(engine: Engine, claims: Claims, jobs: MakeJobs) -> None:
    queue_up(engine, add_user(engine), {}, {}, {"steps": 5})

    jobs(claims, FakeGenerator()).work("gpu")

    rate = known(engine).find("tiny", "t2i")
    assert rate
    assert rate.runs == 3
    assert rate.seconds_per_unit > 0


def test_nothing_is_learnt_from_a_run_that_was_cancelled(
    engine: Engine, claims: Claims, jobs: MakeJobs, board: FakeBoard
) -> None:
    [task] = queue_up(engine, add_user(engine), {})
    board.to_stop.add(task)

    jobs(claims, FakeGenerator()).work("gpu")

    assert row(engine, task).status == Status.CANCELLED
    assert known(engine).measured == {}


def test_a_run_that_cannot_be_recorded_is_completed_all_the_same(engine: Engine, jobs: MakeJobs) -> None:
    tasks = queue_up(engine, add_user(engine), {}, {"steps": 5})

    jobs(ForgetfulClaims(engine, "worker", 15, 3), FakeGenerator()).work("gpu")

    assert [row(engine, task).status for task in tasks] == [Status.COMPLETED] * 2
    assert known(engine).measured == {}


def test_the_models_that_the_engine_holds_are_preferred(engine: Engine, claims: Claims, jobs: MakeJobs) -> None:
    queue_up(engine, add_user(engine), {"model": "large"}, prompt="cold")
    queue_up(engine, add_user(engine), {"model": "tiny"}, prompt="warm")
    generator = FakeGenerator(loaded=("tiny",))

    jobs(claims, generator).work("gpu")

    assert generator.batches == [["warm"], ["cold"]]
