"""A claimed batch's life, around a fake engine and a real database."""

from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import Engine, update

from shared import db
from shared.claims import Claim, Claims
from shared.lifecycle import Status
from shared.models import Task
from shared.storage import LocalStorage
from tests.fakes.board import FakeBoard
from tests.fakes.generator import STEPS, FakeGenerator
from tests.orders import add_task, add_user, row
from worker import job
from worker.duty import Duty
from worker.errors import BadPicture, ModelUnavailable, OutOfMemory
from worker.finisher import Finisher
from worker.job import Jobs
from worker.leases import Leases

MakeJobs = Callable[[FakeGenerator], Jobs]


@pytest.fixture
def board() -> FakeBoard:
    return FakeBoard()


@pytest.fixture
def duty() -> Duty:
    return Duty()


@pytest.fixture
def jobs(claims: Claims, leases: Leases, storage: LocalStorage, board: FakeBoard, duty: Duty) -> MakeJobs:
    def make(generator: FakeGenerator) -> Jobs:
        finisher = Finisher(claims, leases, storage, board.announce)
        return Jobs(claims, leases, generator, finisher, board, duty)  # type: ignore[arg-type]

    return make


def test_everything_that_waits_is_done_in_one_turn(engine: Engine, jobs: MakeJobs) -> None:
    user = add_user(engine)
    waiting = [add_task(engine, user), add_task(engine, user, steps=5), add_task(engine, user)]

    jobs(FakeGenerator()).work("gpu")

    assert [row(engine, task).status for task in waiting] == [Status.COMPLETED] * 3


def test_progress_is_written_for_each_step_of_each_task(engine: Engine, jobs: MakeJobs, board: FakeBoard) -> None:
    task = add_task(engine, add_user(engine))

    jobs(FakeGenerator()).work("gpu")

    assert [(name, p.step, p.steps) for name, p in board.written] == [(task, 1, STEPS), (task, 2, STEPS)]


def test_a_task_that_breaks_its_batch_fails_alone(engine: Engine, jobs: MakeJobs) -> None:
    def break_on_bad(claimed: Sequence[Claim]) -> None:
        if any(claim.prompt == "bad" for claim in claimed):
            raise RuntimeError("broken")

    user = add_user(engine)
    good, bad = add_task(engine, user), add_task(engine, user, prompt="bad")

    jobs(FakeGenerator(trouble=break_on_bad)).work("gpu")

    assert row(engine, good).status == Status.COMPLETED
    assert (row(engine, bad).status, row(engine, bad).error_code) == (Status.FAILED, "generation_failed")


def test_an_engines_error_tells_its_reason(engine: Engine, jobs: MakeJobs) -> None:
    def refuse(claimed: Sequence[Claim]) -> None:
        raise BadPicture("tiny", "black")

    task = add_task(engine, add_user(engine))

    jobs(FakeGenerator(trouble=refuse)).work("gpu")

    assert row(engine, task).error_code == "bad_picture"


@pytest.mark.parametrize(("tries", "status"), [(0, Status.QUEUED), (1, Status.QUEUED), (2, Status.FAILED)])
def test_what_finds_no_memory_is_left_to_other_workers_until_its_last_try(
    engine: Engine, jobs: MakeJobs, tries: int, status: Status
) -> None:
    def run_out(claimed: Sequence[Claim]) -> None:
        raise OutOfMemory("tiny", "too large")

    task = add_task(engine, add_user(engine))
    with db.write(engine) as connection:
        connection.execute(update(Task).values(attempt=tries))
    generator = FakeGenerator(trouble=run_out)

    jobs(generator).work("gpu")

    found = row(engine, task)
    assert (found.status, found.attempt, found.worker_id) == (status, tries + 1, None)
    assert found.error_code == ("out_of_memory" if status is Status.FAILED else None)
    assert len(generator.batches) == 1


def test_a_model_that_is_unavailable_is_not_tried_for_each_task_again(engine: Engine, jobs: MakeJobs) -> None:
    def refuse(claimed: Sequence[Claim]) -> None:
        raise ModelUnavailable("tiny", "broken")

    user = add_user(engine)
    tasks = [add_task(engine, user), add_task(engine, user)]
    generator = FakeGenerator(trouble=refuse)

    jobs(generator).work("gpu")

    assert [row(engine, task).error_code for task in tasks] == ["model_unavailable"] * 2
    assert len(generator.batches) == 1


def test_a_stop_in_the_middle_gives_the_task_back_at_the_next_step(
    engine: Engine, jobs: MakeJobs, duty: Duty, board: FakeBoard
) -> None:
    def stop(claimed: Sequence[Claim]) -> None:
        duty.stopping = True

    task = add_task(engine, add_user(engine))

    jobs(FakeGenerator(trouble=stop)).work("gpu")

    assert (row(engine, task).status, row(engine, task).attempt) == (Status.QUEUED, 0)
    assert board.written == []


def test_a_drained_process_finishes_what_it_has_and_takes_no_more(engine: Engine, jobs: MakeJobs, duty: Duty) -> None:
    def drain(claimed: Sequence[Claim]) -> None:
        duty.draining = True

    user = add_user(engine)
    running, waiting = add_task(engine, user), add_task(engine, user)

    left = jobs(FakeGenerator(limit=1, trouble=drain)).work("gpu")

    assert [row(engine, task).status for task in (running, waiting)] == [Status.COMPLETED, Status.QUEUED]
    assert not left


@pytest.mark.parametrize("told", [Duty(stopping=True), Duty(draining=True)])
def test_a_process_that_is_told_so_claims_nothing(engine: Engine, jobs: MakeJobs, duty: Duty, told: Duty) -> None:
    task = add_task(engine, add_user(engine))
    duty.stopping, duty.draining = told.stopping, told.draining

    jobs(FakeGenerator()).work("gpu")

    assert row(engine, task).status == Status.QUEUED


def test_the_pools_own_sigterm_gives_the_task_back_too(engine: Engine, jobs: MakeJobs) -> None:
    def end(claimed: Sequence[Claim]) -> None:
        raise SystemExit(1)

    task = add_task(engine, add_user(engine))

    with pytest.raises(SystemExit):
        jobs(FakeGenerator(trouble=end)).work("gpu")

    assert (row(engine, task).status, row(engine, task).attempt) == (Status.QUEUED, 0)


def test_a_lost_lease_ends_the_run_without_touching_the_row(
    engine: Engine, jobs: MakeJobs, claims: Claims, leases: Leases, board: FakeBoard, duty: Duty
) -> None:
    def lose(claimed: Sequence[Claim]) -> None:
        claims.give_back([(claim.id, claim.fence) for claim in claimed])
        leases.renew()
        duty.draining = True  # else it would be claimed again

    task = add_task(engine, add_user(engine))

    jobs(FakeGenerator(trouble=lose)).work("gpu")

    assert row(engine, task).status == Status.QUEUED
    assert board.written == []


def test_a_cancelled_task_stops_at_its_next_step(engine: Engine, jobs: MakeJobs, board: FakeBoard) -> None:
    task = add_task(engine, add_user(engine))
    board.to_stop.add(task)

    jobs(FakeGenerator()).work("gpu")

    ended = row(engine, task)
    assert (ended.status, ended.lease_until, ended.results) == (Status.CANCELLED, None, None)
    assert [progress.step for _, progress in board.written] == [1]
    assert board.announced == [task]


def test_a_cancelled_task_leaves_the_others_of_its_batch_alone(
    engine: Engine, jobs: MakeJobs, board: FakeBoard, storage: LocalStorage
) -> None:
    user = add_user(engine)
    unwanted, wanted = add_task(engine, user), add_task(engine, user)
    board.to_stop.add(unwanted)

    jobs(FakeGenerator()).work("gpu")

    assert [row(engine, task).status for task in (unwanted, wanted)] == [Status.CANCELLED, Status.COMPLETED]
    assert row(engine, unwanted).results is None


def test_without_the_broker_a_cancel_is_seen_when_the_lease_is_renewed(
    engine: Engine, jobs: MakeJobs, leases: Leases, board: FakeBoard
) -> None:
    def ask_to_stop(claimed: Sequence[Claim]) -> None:
        with db.write(engine) as connection:
            connection.execute(update(Task).values(cancel_requested=True))
        leases.renew()

    task = add_task(engine, add_user(engine))

    jobs(FakeGenerator(trouble=ask_to_stop)).work("gpu")

    assert row(engine, task).status == Status.CANCELLED
    assert [progress.step for _, progress in board.written] == [1]


def test_a_long_turn_ends_and_says_that_more_may_be_left(
    engine: Engine, jobs: MakeJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "TURN_SECONDS", 0)
    user = add_user(engine)
    first, second = add_task(engine, user), add_task(engine, user)

    left = jobs(FakeGenerator(limit=1)).work("gpu")

    assert [row(engine, task).status for task in (first, second)] == [Status.COMPLETED, Status.QUEUED]
    assert left


def test_what_has_ended_here_is_counted(engine: Engine, jobs: MakeJobs, board: FakeBoard, leases: Leases) -> None:
    def break_on_bad(claimed: Sequence[Claim]) -> None:
        if any(claim.prompt == "bad" for claim in claimed):
            raise RuntimeError("broken")

    user = add_user(engine)
    add_task(engine, user)
    add_task(engine, user, prompt="bad")
    board.to_stop.add(add_task(engine, user))

    jobs(FakeGenerator(trouble=break_on_bad)).work("gpu")

    assert leases.ended == 3
    assert leases.none
