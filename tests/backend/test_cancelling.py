"""Cancelling tasks, and trying failed ones again."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from shared.catalog import Catalog
from shared.claims import Claims
from shared.lifecycle import Status
from shared.progress import Progress, ProgressBoard, redis_client
from shared.settings import Settings
from tests.backend.conftest import Person, poll
from tests.orders import result_entry, row


@pytest.fixture
def task(alice: Person) -> str:
    found: str = alice.submit().get_json()["data"]["task_id"]
    return found


def test_a_waiting_task_is_cancelled_at_once(alice: Person, task: str, worker: Claims) -> None:
    body = alice.call("DELETE", f"/api/v1/generation/{task}").get_json()

    assert (body["code"], body["message"]) == (200, "任务已取消")
    assert (body["data"]["state"], body["data"]["status"]) == ("cancelled", "failed")
    assert body["data"]["completed_at"]
    assert worker.claim("gpu", lambda model: 1) == []


def test_a_running_task_is_asked_to_stop_at_its_next_step(
    alice: Person, task: str, worker: Claims, settings: Settings
) -> None:
    [claim] = worker.claim("gpu", lambda model: 1)
    board = ProgressBoard(redis_client(settings.redis_url))

    body = alice.call("DELETE", f"/api/v1/generation/{task}").get_json()

    assert (body["data"]["state"], body["data"]["cancel_requested"]) == ("processing", True)
    assert board.write(task, Progress(claim.fence, 1, 20))
    assert worker.renew([(claim.id, claim.fence)]) == {(claim.id, claim.fence): True}


def test_only_the_claim_that_ran_then_is_asked_to_stop(
    alice: Person, task: str, worker: Claims, settings: Settings
) -> None:
    [claim] = worker.claim("gpu", lambda model: 1)
    alice.call("DELETE", f"/api/v1/generation/{task}")

    assert not ProgressBoard(redis_client(settings.redis_url)).write(task, Progress(claim.fence + 1, 1, 20))


def test_a_cancel_that_comes_too_late_says_completed(alice: Person, task: str, worker: Claims) -> None:
    [claim] = worker.claim("gpu", lambda model: 1)
    worker.complete(claim, [result_entry(f"{task}.png")])

    body = alice.call("DELETE", f"/api/v1/generation/{task}").get_json()

    assert (body["message"], body["data"]["state"]) == ("任务完成", "completed")
    assert body["data"]["result_url"]


def test_a_task_that_finished_after_it_was_asked_to_stop_is_completed(alice: Person, task: str, worker: Claims) -> None:
    [claim] = worker.claim("gpu", lambda model: 1)
    alice.call("DELETE", f"/api/v1/generation/{task}")
    worker.complete(claim, [result_entry(f"{task}.png")])

    assert poll(alice, task)["state"] == "completed"


def test_cancelling_twice_is_like_cancelling_once(alice: Person, task: str) -> None:
    first, second = (alice.call("DELETE", f"/api/v1/generation/{task}").get_json() for _ in range(2))

    assert first == second


@pytest.mark.parametrize("method", ["DELETE", "POST"])
def test_somebody_elses_task_is_like_one_that_does_not_exist(
    alice: Person, bob: Person, task: str, engine: Engine, method: str
) -> None:
    end = "/retry" if method == "POST" else ""

    others, nobodys = (bob.call(method, f"/api/v1/generation/{name}{end}") for name in (task, "task_0"))

    assert others.status_code == nobodys.status_code == 404
    assert others.get_json() == nobodys.get_json()
    assert row(engine, task).status == Status.QUEUED


def fail(worker: Claims) -> None:
    [claim] = worker.claim("gpu", lambda model: 1)
    worker.fail(claim, "out_of_memory")


def test_a_failed_task_is_tried_again_as_it_was_asked_for(alice: Person, task: str, worker: Claims) -> None:
    before = poll(alice, task)
    fail(worker)

    body = alice.call("POST", f"/api/v1/generation/{task}/retry").get_json()

    assert body["message"] == "任务排队中"
    assert {**body["data"], "queue_position": 1} == before
    [claim] = worker.claim("gpu", lambda model: 1)
    assert claim.public_id == task


def test_a_cancelled_task_can_be_tried_again(alice: Person, task: str, worker: Claims, engine: Engine) -> None:
    alice.call("DELETE", f"/api/v1/generation/{task}")

    response = alice.call("POST", f"/api/v1/generation/{task}/retry")

    assert (response.status_code, row(engine, task).cancel_requested) == (200, False)
    assert worker.claim("gpu", lambda model: 1)


def test_a_claim_from_before_cannot_end_the_new_try(alice: Person, task: str, worker: Claims) -> None:
    [old] = worker.claim("gpu", lambda model: 1)
    worker.fail(old, "out_of_memory")
    alice.call("POST", f"/api/v1/generation/{task}/retry")
    worker.claim("gpu", lambda model: 1)

    assert not worker.complete(old, [])


@pytest.mark.parametrize("state", ["queued", "processing", "completed"])
def test_what_has_not_failed_is_not_tried_again(alice: Person, task: str, worker: Claims, state: str) -> None:
    claimed = worker.claim("gpu", lambda model: 1) if state != "queued" else []
    if state == "completed":
        worker.complete(claimed[0], [])

    response = alice.call("POST", f"/api/v1/generation/{task}/retry")

    assert (response.status_code, response.get_json()["error"]["code"]) == (409, "not_retryable")
    assert poll(alice, task)["state"] == state


def test_a_task_whose_model_has_gone_is_not_tried_again(alice: Person, task: str, worker: Claims) -> None:
    fail(worker)
    resources = alice.client.application.extensions["darkroom"]
    others = {"other": next(iter(resources.catalog.models.values())).model_copy(update={"id": "other"})}
    alice.client.application.extensions["darkroom"] = replace(resources, catalog=Catalog(others))

    response = alice.call("POST", f"/api/v1/generation/{task}/retry")

    assert response.status_code == 400
    assert response.get_json()["error"]["fields"][0]["code"] == "unknown_model"
