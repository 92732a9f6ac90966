"""Claims and leases, on both databases: who may work on what, and who may not any more."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, select, update

from shared import db
from shared.claims import LEAVE_SECONDS, PAUSE_SECONDS, Claim, Claims, Expired
from shared.lifecycle import Status
from shared.models import Task
from shared.workers import State, Told
from tests.orders import add_task, add_user, row
from worker.registry import Registry

RESULTS = [{"name": "task.png", "bytes": 3}]
LONG, OVER = 15.0, -1.0


@pytest.fixture
def worker(engine: Engine) -> Callable[..., Claims]:
    def make(name: str = "worker", lease_seconds: float = LONG, max_attempts: int = 3) -> Claims:
        return Claims(engine, name, lease_seconds, max_attempts)

    return make


@pytest.fixture
def task(engine: Engine) -> str:
    return add_task(engine, add_user(engine))


def take(claims: Claims, limit: int = 1) -> list[Claim]:
    return claims.claim("gpu", lambda model: limit)


def test_a_claim_takes_the_oldest_task_first(engine: Engine, worker: Callable[..., Claims]) -> None:
    user = add_user(engine)
    first, second = add_task(engine, user), add_task(engine, user)

    taken = [take(worker())[0].public_id, take(worker())[0].public_id]

    assert taken == [first, second]


def test_an_empty_queue_gives_nothing(worker: Callable[..., Claims]) -> None:
    assert take(worker()) == []


def test_another_queue_is_left_alone(worker: Callable[..., Claims], task: str) -> None:
    assert worker().claim("io", lambda model: 1) == []


def test_a_claim_takes_along_only_what_shares_the_batch_key(engine: Engine, worker: Callable[..., Claims]) -> None:
    user = add_user(engine)
    alike = [add_task(engine, user, seed=1), add_task(engine, user, prompt="other", seed=2, num_images=2)]
    add_task(engine, user, steps=9)

    taken = take(worker(), limit=8)

    assert [claim.public_id for claim in taken] == alike


def test_a_claim_takes_no_more_than_the_models_limit(engine: Engine, worker: Callable[..., Claims]) -> None:
    user = add_user(engine)
    for _ in range(5):
        add_task(engine, user)

    assert len(take(worker(), limit=3)) == 3


def test_a_task_is_claimed_once_however_many_ask(engine: Engine, worker: Callable[..., Claims]) -> None:
    user = add_user(engine)
    waiting = {add_task(engine, user) for _ in range(24)}
    taken: list[str] = []

    def work(name: str) -> None:
        claims = worker(name)
        while claimed := take(claims, limit=2):
            taken.extend(claim.public_id for claim in claimed)

    threads = [threading.Thread(target=work, args=(f"worker{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(taken) == sorted(waiting)


def test_completing_moves_the_row_with_its_results(engine: Engine, worker: Callable[..., Claims], task: str) -> None:
    claims = worker()
    [claim] = take(claims)

    completed = claims.complete(claim, RESULTS)

    found = row(engine, task)
    assert completed
    assert (found.status, found.results, found.worker_id) == (Status.COMPLETED, RESULTS, None)
    assert found.finished_at is not None


def test_completing_again_says_that_it_is_done_and_changes_nothing(
    engine: Engine, worker: Callable[..., Claims], task: str
) -> None:
    claims = worker()
    [claim] = take(claims)
    claims.complete(claim, RESULTS)
    before = row(engine, task)

    assert claims.complete(claim, [])
    assert not claims.fail(claim, "generation_failed")

    after = row(engine, task)
    assert (after.results, after.updated_at, after.status) == (RESULTS, before.updated_at, Status.COMPLETED)


def test_a_zombie_can_neither_finish_nor_renew(engine: Engine, worker: Callable[..., Claims], task: str) -> None:
    zombie, successor = worker("zombie", OVER), worker("successor")
    [old] = take(zombie)
    successor.expire()
    [new] = take(successor)

    assert not zombie.complete(old, RESULTS)
    assert not zombie.fail(old, "generation_failed")
    assert zombie.renew([(old.id, old.fence)]) == {}
    assert successor.renew([(new.id, new.fence)]) == {(new.id, new.fence): False}
    assert row(engine, task).status == Status.PROCESSING


def test_the_same_worker_cannot_finish_by_an_older_claim(worker: Callable[..., Claims], task: str) -> None:
    claims = worker("one", OVER)
    [old] = take(claims)
    claims.expire()
    take(claims)

    assert not claims.complete(old, RESULTS)


def test_a_lease_that_ran_out_goes_back_to_the_queue(engine: Engine, worker: Callable[..., Claims], task: str) -> None:
    claims = worker(lease_seconds=OVER)
    take(claims)

    expired = claims.expire()

    assert expired == Expired(requeued=1, failed=0)
    assert (row(engine, task).status, row(engine, task).attempt) == (Status.QUEUED, 1)


def test_a_renewed_lease_does_not_run_out(worker: Callable[..., Claims], task: str) -> None:
    [claim] = take(worker("one", OVER))
    worker("one").renew([(claim.id, claim.fence)])

    assert worker().expire() == Expired(requeued=0, failed=0)


def test_a_task_that_killed_three_workers_fails(engine: Engine, worker: Callable[..., Claims], task: str) -> None:
    claims = worker(lease_seconds=OVER, max_attempts=3)
    for _ in range(3):
        take(claims)
        claims.expire()

    found = row(engine, task)
    assert (found.status, found.error_code, found.attempt) == (Status.FAILED, "worker_lost", 3)


def test_what_is_given_back_does_not_count_as_an_attempt(
    engine: Engine, worker: Callable[..., Claims], task: str
) -> None:
    claims = worker()
    [claim] = take(claims)

    given_back = claims.give_back([(claim.id, claim.fence)])

    found = row(engine, task)
    assert given_back == 1
    assert (found.status, found.attempt, found.lease_until) == (Status.QUEUED, 0, None)


def test_a_claim_after_one_that_was_given_back_has_a_fence_of_its_own(worker: Callable[..., Claims], task: str) -> None:
    claims = worker()
    [old] = take(claims)
    claims.give_back([(old.id, old.fence)])
    [new] = take(claims)

    assert new.fence > old.fence
    assert not claims.complete(old, RESULTS)


def test_failing_keeps_the_reason(engine: Engine, worker: Callable[..., Claims], task: str) -> None:
    claims = worker()
    [claim] = take(claims)

    assert claims.fail(claim, "model_unavailable")
    assert (row(engine, task).status, row(engine, task).error_code) == (Status.FAILED, "model_unavailable")


def test_only_what_waits_long_enough_is_counted(engine: Engine, worker: Callable[..., Claims]) -> None:
    add_task(engine, add_user(engine), age=30)

    assert worker().waiting("gpu", 10) == 1
    assert worker().waiting("gpu", 60) == 0
    assert worker().waiting("io", 10) == 0


def ask_to_stop(engine: Engine) -> None:
    with db.write(engine) as connection:
        connection.execute(update(Task).values(cancel_requested=True))


def test_an_unwanted_task_that_is_given_back_is_cancelled(
    engine: Engine, worker: Callable[..., Claims], task: str
) -> None:
    claims = worker()
    [claim] = take(claims)
    ask_to_stop(engine)

    claims.give_back([(claim.id, claim.fence)])

    assert (row(engine, task).status, row(engine, task).lease_until) == (Status.CANCELLED, None)


def test_an_unwanted_task_whose_worker_died_is_cancelled(
    engine: Engine, worker: Callable[..., Claims], task: str
) -> None:
    take(worker(lease_seconds=OVER))
    ask_to_stop(engine)

    expired = worker().expire()

    assert expired == Expired(requeued=0, failed=0)
    assert row(engine, task).status == Status.CANCELLED


def test_renewing_tells_which_tasks_are_unwanted(engine: Engine, worker: Callable[..., Claims], task: str) -> None:
    claims = worker()
    [claim] = take(claims)
    ask_to_stop(engine)

    assert claims.renew([(claim.id, claim.fence)]) == {(claim.id, claim.fence): True}


def test_a_completed_task_is_marked_as_having_a_result(
    engine: Engine, worker: Callable[..., Claims], task: str
) -> None:
    claims = worker()
    [claim] = take(claims)

    claims.complete(claim, RESULTS)

    assert row(engine, task).has_result


def test_every_move_is_stamped_with_the_databases_time(
    engine: Engine, worker: Callable[..., Claims], task: str
) -> None:
    before = row(engine, task).updated_at
    [claim] = take(worker())
    claimed = row(engine, task).updated_at
    worker().complete(claim, RESULTS)

    assert before <= claimed <= row(engine, task).updated_at


def test_a_task_that_was_passed_on_is_taken_by_another_worker_first(
    engine: Engine, worker: Callable[..., Claims], task: str
) -> None:
    small, large = worker("small"), worker("large")
    Registry(engine, "large", "elsewhere").beat(Told(State.IDLE))
    [claim] = take(small)
    small.pass_on(claim, "out_of_memory")

    assert take(small) == []
    assert [(again.public_id, again.attempt) for again in take(large)] == [(task, 2)]


@pytest.mark.parametrize(("peers", "seconds"), [(0, PAUSE_SECONDS), (1, LEAVE_SECONDS)])
def test_who_passed_a_task_on_tries_again_if_nobody_has_taken_it(
    engine: Engine, task: str, peers: int, seconds: float
) -> None:
    now = 0.0
    small = Claims(engine, "small", LONG, 3, clock=lambda: now)
    for number in range(peers):
        Registry(engine, f"peer {number}", "elsewhere").beat(Told(State.IDLE))
    [claim] = take(small)
    small.pass_on(claim, "out_of_memory")

    now = seconds - 1
    early = take(small)
    now = seconds

    assert (early, [again.attempt for again in take(small)]) == ([], [2])


@pytest.mark.parametrize("stack", ["mariadb"], indirect=True)  # SQLite locks the whole database
def test_what_a_frozen_worker_holds_locked_holds_up_nobody(engine: Engine, worker: Callable[..., Claims]) -> None:
    tasks = [add_task(engine, add_user(engine)) for _ in range(2)]
    frozen = worker("frozen", lease_seconds=OVER)
    [first], _ = take(frozen), take(frozen)
    with db.write(engine) as connection:
        connection.execute(select(Task.id).where(Task.id == first.id).with_for_update())

        assert worker("other").expire() == Expired(requeued=1, failed=0)

    assert [row(engine, task).status for task in tasks] == [Status.PROCESSING, Status.QUEUED]


def test_a_task_that_was_passed_on_and_cancelled_is_cancelled(
    engine: Engine, worker: Callable[..., Claims], task: str
) -> None:
    claims = worker()
    [claim] = take(claims)
    with db.write(engine) as connection:
        connection.execute(update(Task).values(cancel_requested=True))

    claims.pass_on(claim, "out_of_memory")

    assert row(engine, task).status == Status.CANCELLED
