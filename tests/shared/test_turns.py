"""Whose turn it is, on both databases: priorities, what has waited too long, caps, models that are loaded."""

from collections.abc import Callable
from functools import partial
from itertools import chain

import pytest
from sqlalchemy import Engine, event, select, update

from shared import db
from shared.claims import Claim, Claims
from shared.generation import Shape
from shared.lifecycle import Status
from shared.models import Task, User
from shared.models.task import QUEUE_INDEX
from shared.queue_order import Priority, place
from shared.turns import QueueRules, Turns
from tests.orders import add_user, row
from tests.queues import queue_up
from tests.together import at_once

MakeClaims = Callable[..., Claims]
LARGE, TINY = {"model": "large"}, {"model": "tiny"}


@pytest.fixture
def worker(engine: Engine) -> MakeClaims:
    def make(name: str = "worker", **rules: float) -> Claims:
        return Claims(engine, name, 3600, 3, QueueRules(**rules))  # type: ignore[arg-type]

    return make


@pytest.fixture
def user(engine: Engine) -> int:
    return add_user(engine)


def take(claims: Claims, limit: int = 1, loaded: tuple[str, ...] = ()) -> list[Claim]:
    return claims.claim("gpu", lambda shape: limit, loaded)


def drained(claims: Claims) -> list[str]:
    """Everything that waits, in the order in which it is taken."""
    return [claim.public_id for [claim] in iter(lambda: take(claims), [])]


def test_a_more_urgent_task_goes_first_and_a_less_urgent_one_last(
    engine: Engine, user: int, worker: MakeClaims
) -> None:
    [low] = queue_up(engine, user, {}, priority=Priority.LOW)
    [normal] = queue_up(engine, user, {})
    [high] = queue_up(engine, add_user(engine), {}, priority=Priority.HIGH)

    assert drained(worker()) == [high, normal, low]


def test_a_task_that_was_tried_before_is_alone_in_its_call(engine: Engine, user: int, worker: MakeClaims) -> None:
    first, *others = queue_up(engine, user, *[{}] * 4)
    dead = Claims(engine, "dead", 0, 3)
    dead.claim("gpu", lambda shape: 1)
    dead.expire()

    calls = [[claim.public_id for claim in take(worker(), limit=4)] for _ in range(2)]

    assert calls == [[first], others]


def cap(engine: Engine, user: int, most: int) -> None:
    with db.write(engine) as connection:
        connection.execute(update(User).where(User.id == user).values(running_cap=most))


def test_a_users_own_cap_is_instead_of_the_settings(engine: Engine, user: int, worker: MakeClaims) -> None:
    other, free = add_user(engine), add_user(engine)
    cap(engine, user, 1)
    cap(engine, free, 0)
    for each in (user, other, free):
        queue_up(engine, each, *[{}] * 4)
    claims = worker(running_cap=2)

    taken = [claim.user_id for [claim] in iter(lambda: take(claims), [])]

    assert [taken.count(each) for each in (user, other, free)] == [1, 2, 4]


def test_a_users_own_cap_holds_where_the_settings_have_none(engine: Engine, user: int, worker: MakeClaims) -> None:
    cap(engine, user, 2)
    queue_up(engine, user, *[{}] * 4)
    queue_up(engine, add_user(engine), *[{}] * 2)

    taken = [claim.user_id for claim in take(worker(), limit=8)]
    left = take(worker(), limit=8)

    assert taken.count(user) == 2
    assert [claim for claim in left if claim.user_id == user] == []


def test_a_call_is_not_shared_with_a_less_urgent_task(engine: Engine, user: int, worker: MakeClaims) -> None:
    queue_up(engine, user, {}, priority=Priority.LOW)
    queue_up(engine, user, {})

    assert len(take(worker(), limit=4)) == 1


def test_what_has_waited_too_long_counts_as_more_urgent(engine: Engine, user: int, worker: MakeClaims) -> None:
    hog = add_user(engine)
    queue_up(engine, hog, *[{}] * 3)
    take(worker())
    [old] = queue_up(engine, user, {}, priority=Priority.LOW, age=30)
    [young] = queue_up(engine, add_user(engine), {}, priority=Priority.LOW)

    taken = drained(worker(lift_seconds=20))

    assert taken.index(old) == 0
    assert taken.index(young) == 3
    assert row(engine, old).priority == Priority.NORMAL


def test_who_found_nobody_that_waited_too_long_looks_again_soon(engine: Engine, user: int) -> None:
    queue_up(engine, add_user(engine), *[{}] * 3)
    now = 0.0
    claims = Claims(engine, "w", 3600, 3, QueueRules(lift_seconds=20), clock=lambda: now)
    take(claims)
    [old] = queue_up(engine, user, {}, priority=Priority.LOW, age=30)

    take(claims)
    at_once = row(engine, old).priority
    now = 1.0
    [claim] = take(claims)

    assert at_once == Priority.LOW
    assert claim.public_id == old
    assert row(engine, old).priority == Priority.NORMAL


def test_a_backlog_that_has_waited_too_long_comes_at_its_users_share(
    engine: Engine, user: int, worker: MakeClaims
) -> None:
    patient = add_user(engine)
    old = queue_up(engine, patient, *[{}] * 4, priority=Priority.LOW, age=30)
    mine = queue_up(engine, user, *[{}] * 4)

    taken = drained(worker(lift_seconds=20))

    assert [task in old for task in taken] == [False, True] * 4
    assert [task for task in taken if task in old] == old
    assert [task for task in taken if task in mine] == mine


def test_nobody_is_lifted_twice_for_the_same_time(engine: Engine, user: int, worker: MakeClaims) -> None:
    queue_up(engine, add_user(engine), *[{}] * 3, priority=Priority.HIGH)
    [old] = queue_up(engine, user, {}, priority=Priority.LOW, age=1000)
    claims = worker(lift_seconds=20)

    take(claims)
    take(claims)

    assert row(engine, old).priority == Priority.NORMAL


def test_what_is_given_back_comes_first_again(engine: Engine, user: int, worker: MakeClaims) -> None:
    hog = add_user(engine)
    queue_up(engine, hog, *[{}] * 3)
    claims = worker()
    [held] = take(claims)
    queue_up(engine, user, {})
    take(claims)

    claims.give_back([(held.id, held.fence)])

    assert take(claims)[0].public_id == held.public_id


def test_what_a_dead_worker_had_comes_first_again(engine: Engine, user: int) -> None:
    queue_up(engine, user, *[{}] * 3)
    [held] = take(Claims(engine, "dead", -1, 3))
    survivor = Claims(engine, "survivor", 3600, 3)

    survivor.expire()

    assert take(survivor)[0].public_id == held.public_id


def test_a_user_at_the_cap_is_passed_over_and_fails_nothing(engine: Engine, user: int, worker: MakeClaims) -> None:
    hogs = queue_up(engine, user, *[{}] * 4)
    [others] = queue_up(engine, add_user(engine), {}, {})[1:]
    claims = worker(running_cap=1)

    taken = drained(claims)

    assert (hogs[0] in taken, others in taken, len(taken)) == (True, False, 2)
    assert [row(engine, task).status for task in hogs[1:]] == [Status.QUEUED] * 3


def test_a_batch_holds_no_more_of_a_user_than_may_run(engine: Engine, user: int, worker: MakeClaims) -> None:
    queue_up(engine, user, *[{}] * 6)

    assert len(take(worker(running_cap=2), limit=4)) == 2


def test_a_user_below_the_cap_again_is_served_again(engine: Engine, user: int, worker: MakeClaims) -> None:
    queue_up(engine, user, {}, {})
    claims = worker(running_cap=1)
    [first] = take(claims)
    nothing = take(claims)

    claims.complete(first, [])

    assert nothing == []
    assert len(take(claims)) == 1


def test_claimers_at_the_same_moment_do_not_exceed_the_cap(engine: Engine, user: int, worker: MakeClaims) -> None:
    queue_up(engine, user, *[{}] * 40)
    workers = [worker(f"worker{number}", running_cap=5) for number in range(4)]

    def work(claims: Claims) -> list[str]:
        return [claim.public_id for _ in range(3) for claim in take(claims, limit=2)]

    taken = list(chain(*at_once(*(partial(work, claims) for claims in workers))))

    assert len(taken) == len(set(taken)) == 5


@pytest.mark.parametrize("stack", ["mariadb"], indirect=True)  # SQLite has one writer at a time
def test_where_others_hold_the_next_tasks_those_behind_are_taken(engine: Engine, user: int, worker: MakeClaims) -> None:
    first, second, third = queue_up(engine, user, {}, {}, {"steps": 9})

    with db.write(engine) as elsewhere:
        elsewhere.execute(select(Task.id).where(Task.public_id.in_([first, second])).with_for_update())
        taken = take(worker())

    assert [claim.public_id for claim in taken] == [third]


def test_a_loaded_model_is_preferred(engine: Engine, user: int, worker: MakeClaims) -> None:
    queue_up(engine, user, LARGE)
    [warm] = queue_up(engine, add_user(engine), TINY)

    assert take(worker(), loaded=("tiny",))[0].public_id == warm


def test_a_loaded_model_is_not_preferred_over_urgency(engine: Engine, user: int, worker: MakeClaims) -> None:
    [urgent] = queue_up(engine, user, LARGE, priority=Priority.HIGH)
    queue_up(engine, user, TINY)

    assert take(worker(), loaded=("tiny",))[0].public_id == urgent


def test_a_loaded_model_is_looked_for_among_the_next_only(engine: Engine, user: int, worker: MakeClaims) -> None:
    queue_up(engine, user, *[LARGE] * 64, TINY)

    assert take(worker(), loaded=("tiny",))[0].parameters.model == "large"


def test_the_fairest_gives_way_for_a_bounded_time(engine: Engine, user: int) -> None:
    now = [0.0]
    turns = Turns(QueueRules(warm_seconds=10), lambda: now[0])
    queue_up(engine, user, LARGE)
    queue_up(engine, add_user(engine), *[TINY] * 9)

    def next_model() -> str:
        with db.write(engine) as connection:
            turn = turns.take(connection, "gpu", lambda shape: 1, ["tiny"])
            assert turn
            return str(connection.scalar(select(Task.model).where(Task.id.in_(turn.ids))))

    chosen = []
    for now[0] in (0.0, 9.9, 10.0):
        chosen.append(next_model())

    assert chosen == ["tiny", "tiny", "large"]


def test_how_many_to_take_depends_on_the_task_that_leads(engine: Engine, user: int, worker: MakeClaims) -> None:
    queue_up(engine, user, LARGE, LARGE)
    asked: list[Shape] = []

    worker().claim("gpu", lambda shape: asked.append(shape) or 2)  # type: ignore[func-returns-value]

    assert asked == [Shape("large", 64, 64)]


def test_a_place_is_counted_in_the_index_alone(engine: Engine, user: int) -> None:
    queue_up(engine, user, *[{}] * 20)
    [last] = queue_up(engine, user, {})
    columns = Task.__table__.c
    counting = select(place(columns)).where(columns.public_id == last)
    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"

    with engine.connect() as connection:
        place_of_last = connection.scalar(counting)
        text = str(counting.compile(engine, compile_kwargs={"literal_binds": True}))
        plan = str(connection.exec_driver_sql(f"{explain} {text}").all())

    assert place_of_last == 21
    assert QUEUE_INDEX in plan
    assert "Using index" in plan or f"COVERING INDEX {QUEUE_INDEX}" in plan


def test_the_look_at_the_queue_reads_its_index_in_order(engine: Engine, user: int, worker: MakeClaims) -> None:
    queue_up(engine, user, *[{}] * 20)
    queue_up(engine, user, *[{}] * 20, priority=Priority.LOW)
    seen: list[tuple[str, object]] = []
    event.listen(engine, "before_cursor_execute", lambda *given: seen.append((given[2], given[3])))

    take(worker(running_cap=3))

    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    looks = [(text, values) for text, values in seen if "LIMIT" in text or "GROUP BY" in text]
    with engine.connect() as connection:
        plans = [connection.exec_driver_sql(f"{explain} {text}", values).all() for text, values in list(looks)]
    assert len(plans) == 4
    assert [plan for plan in plans if QUEUE_INDEX not in str(plan)] == []
    by_queue = [str(part) for plan in plans[:3] for part in plan if "DERIVED" not in part]
    assert [part for part in by_queue if "filesort" in part or "FOR ORDER BY" in part] == []
