"""What a worker's lines about tasks tell: which task, and which request has queued it."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Engine, update

from shared import db
from shared.claims import Claim, Claims
from shared.models import Task
from shared.storage import LocalStorage
from tests.fakes.board import FakeBoard
from tests.fakes.generator import FakeGenerator
from tests.orders import add_task, add_user
from worker.duty import Duty
from worker.finisher import Finisher
from worker.job import Jobs
from worker.leases import Leases

Logged = Callable[[], list[dict[str, Any]]]


def work(claims: Claims, leases: Leases, storage: LocalStorage, generator: FakeGenerator) -> None:
    board = FakeBoard()
    finisher = Finisher(claims, leases, storage, board.announce)
    Jobs(claims, leases, generator, finisher, board, Duty()).work("gpu")  # type: ignore[arg-type]


def add(engine: Engine, request_id: str | None, **order: Any) -> str:
    task = add_task(engine, add_user(engine), **order)
    with db.write(engine) as connection:
        connection.execute(update(Task).where(Task.public_id == task).values(request_id=request_id))
    return task


def test_a_task_can_be_followed_from_its_claim_to_its_end(
    engine: Engine, claims: Claims, leases: Leases, storage: LocalStorage, logged: Logged
) -> None:
    task = add(engine, "first")

    work(claims, leases, storage, FakeGenerator())

    lines = logged()
    assert [line["event"] for line in lines] == ["run_began", "task_completed"]
    assert {(line["task_id"], line["request_id"]) for line in lines} == {(task, "first")}


def test_a_call_that_several_share_is_about_all_and_each_ends_by_itself(
    engine: Engine, claims: Claims, leases: Leases, storage: LocalStorage, logged: Logged
) -> None:
    tasks = [add(engine, "first"), add(engine, "second")]

    work(claims, leases, storage, FakeGenerator())

    began, *ended = logged()
    assert (began["task_id"], began["request_id"]) == (tasks, ["first", "second"])
    assert [(line["task_id"], line["request_id"]) for line in ended] == [(tasks[0], "first"), (tasks[1], "second")]


def test_a_failure_is_told_of_its_own_task(
    engine: Engine, claims: Claims, leases: Leases, storage: LocalStorage, logged: Logged
) -> None:
    def break_on_bad(claimed: Sequence[Claim]) -> None:
        if any(claim.prompt == "bad" for claim in claimed):
            raise RuntimeError("broken")

    task = add(engine, "second", prompt="bad")

    work(claims, leases, storage, FakeGenerator(trouble=break_on_bad))

    lines = logged()
    assert [line["event"] for line in lines] == ["run_began", "generation_failed", "task_failed"]
    assert {(line["task_id"], line["request_id"]) for line in lines} == {(task, "second")}


def test_a_task_of_an_older_web_tier_has_only_its_own_id(
    engine: Engine, claims: Claims, leases: Leases, storage: LocalStorage, logged: Logged
) -> None:
    task = add(engine, None)

    work(claims, leases, storage, FakeGenerator())

    assert {(line["task_id"], line.get("request_id")) for line in logged()} == {(task, None)}
