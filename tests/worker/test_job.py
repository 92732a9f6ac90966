"""A claimed batch's life, around a fake engine and a real database."""

import threading
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from shared import db
from shared.claims import Claim, Claims
from shared.lifecycle import Status
from shared.models import Task
from shared.storage import LocalStorage
from tests.fakes.board import FakeBoard
from tests.fakes.generator import STEPS, FakeGenerator, picture_of
from tests.orders import add_task, add_user, row
from worker import job
from worker.duty import Duty
from worker.errors import BadPicture, DeviceBroken, ModelUnavailable, OutOfMemory
from worker.finisher import Finisher
from worker.job import Jobs
from worker.leases import Leases
from worker.media import Picture

MakeJobs = Callable[[FakeGenerator], Jobs]

sqlite = pytest.mark.parametrize("stack", ["sqlite"], indirect=True)


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


class HeldUp(LocalStorage):
    """Stores nothing before it is let, and notes whether it was let in time."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.let = threading.Event()
        self.in_time: list[bool] = []

    def save(self, key: str, data: bytes) -> None:
        self.in_time.append(self.let.wait(5))
        super().save(key, data)


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
def test_the_next_batch_computes_while_the_one_before_is_stored(
    engine: Engine, claims: Claims, leases: Leases, board: FakeBoard, duty: Duty, tmp_path: Path
) -> None:
    def let(claimed: Sequence[Claim]) -> None:
        if len(generator.batches) == 2:
            storage.let.set()

    storage, generator = HeldUp(tmp_path), FakeGenerator(limit=1, trouble=let)
    user = add_user(engine)
    tasks = [add_task(engine, user), add_task(engine, user)]

    finisher = Finisher(claims, leases, storage, board.announce)
    Jobs(claims, leases, generator, finisher, board, duty).work("gpu")  # type: ignore[arg-type]

    assert [row(engine, task).status for task in tasks] == [Status.COMPLETED] * 2
    assert all(storage.in_time)


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


def test_a_device_that_has_failed_ends_the_process_and_leaves_the_tasks_to_others(
    engine: Engine, jobs: MakeJobs
) -> None:
    def fail(claimed: Sequence[Claim]) -> None:
        raise DeviceBroken("tiny", "an illegal memory access was encountered")

    user = add_user(engine)
    tasks = [add_task(engine, user), add_task(engine, user)]
    generator = FakeGenerator(trouble=fail)

    with pytest.raises(SystemExit):
        jobs(generator).look("gpu")

    assert [(found.status, found.attempt) for found in (row(engine, task) for task in tasks)] == [
        (Status.QUEUED, 1),
        (Status.QUEUED, 1),
    ]
    assert len(generator.batches) == 1


def test_after_its_last_try_a_task_tells_that_the_device_failed(engine: Engine, jobs: MakeJobs) -> None:
    def fail(claimed: Sequence[Claim]) -> None:
        raise DeviceBroken("tiny", "device-side assert triggered")

    task = add_task(engine, add_user(engine))
    with db.write(engine) as connection:
        connection.execute(update(Task).values(attempt=2))

    with pytest.raises(SystemExit):
        jobs(FakeGenerator(trouble=fail)).work("gpu")

    assert row(engine, task).error_code == "device_broken"


@sqlite
def test_what_a_failed_call_kept_in_memory_is_free_before_its_tasks_run_alone(engine: Engine, jobs: MakeJobs) -> None:
    kept: list[weakref.ref[set[int]]] = []
    there: list[bool] = []

    def run_out(claimed: Sequence[Claim]) -> None:
        there.extend(tensors() is not None for tensors in kept)
        if len(claimed) > 1:
            tensors = set(range(3))
            kept.append(weakref.ref(tensors))
            try:
                raise MemoryError
            except MemoryError as error:
                raise OutOfMemory("tiny", "too large") from error

    user = add_user(engine)
    for _ in range(2):
        add_task(engine, user)

    jobs(FakeGenerator(trouble=run_out)).work("gpu")

    assert there == [False, False]


@sqlite
def test_when_the_process_ends_while_tasks_run_alone_all_that_are_left_wait_again(
    engine: Engine, jobs: MakeJobs
) -> None:
    def break_then_end(claimed: Sequence[Claim]) -> None:
        raise RuntimeError("broken") if len(claimed) > 1 else SystemExit(1)

    user = add_user(engine)
    tasks = [add_task(engine, user) for _ in range(3)]

    with pytest.raises(SystemExit):
        jobs(FakeGenerator(trouble=break_then_end)).work("gpu")

    assert [(found.status, found.attempt) for found in (row(engine, task) for task in tasks)] == [
        (Status.QUEUED, 0)
    ] * 3


@sqlite
def test_a_run_that_begins_anew_shows_nothing_until_it_has_caught_up(
    engine: Engine, jobs: MakeJobs, board: FakeBoard
) -> None:
    class SteppedDown(FakeGenerator):
        """Runs out of memory after three of four steps, and goes on with two calls of four."""

        def generate(self, claimed: Sequence[Claim], on_step: Callable[[int, int], None]) -> list[list[Picture]]:
            for step, steps in [(1, 4), (2, 4), (3, 4), *((step, 8) for step in range(1, 9))]:
                on_step(step, steps)
            return [[picture_of(claim)] for claim in claimed]

    add_task(engine, add_user(engine))

    jobs(SteppedDown()).work("gpu")

    told = [(progress.step, progress.steps) for _, progress in board.written]
    assert told == [(1, 4), (2, 4), *[(3, 4)] * 6, (6, 8), (7, 8), (8, 8)]


@sqlite
def test_a_task_alone_after_its_batch_broke_goes_on_where_polls_saw_it(
    engine: Engine, jobs: MakeJobs, board: FakeBoard
) -> None:
    def break_together(claimed: Sequence[Claim]) -> None:
        if len(claimed) > 1:
            raise RuntimeError("broken")

    user = add_user(engine)
    tasks = [add_task(engine, user), add_task(engine, user)]

    jobs(FakeGenerator(decoding=break_together)).work("gpu")

    for task in tasks:
        assert [progress.step for name, progress in board.written if name == task] == [1, 2, 2, 2]


@sqlite
def test_the_next_claim_of_a_task_begins_at_its_first_step(engine: Engine, jobs: MakeJobs, board: FakeBoard) -> None:
    def give_back(claimed: Sequence[Claim]) -> None:
        if claimed[0].fence == 1:
            raise job.ShuttingDown

    add_task(engine, add_user(engine))

    jobs(FakeGenerator(decoding=give_back)).work("gpu")

    assert [(progress.fence, progress.step) for _, progress in board.written] == [(1, 1), (1, 2), (2, 1), (2, 2)]


@sqlite
def test_a_task_that_is_cancelled_while_it_is_decoded_is_not_stored(
    engine: Engine, jobs: MakeJobs, board: FakeBoard
) -> None:
    user = add_user(engine)
    unwanted, wanted = add_task(engine, user), add_task(engine, user)

    jobs(FakeGenerator(decoding=lambda claimed: board.to_stop.add(unwanted))).work("gpu")

    assert [row(engine, task).status for task in (unwanted, wanted)] == [Status.CANCELLED, Status.COMPLETED]


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
