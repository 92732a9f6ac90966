"""How submitted tasks join the queue, on both stacks: room, priorities, places and times."""

import uuid
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, insert
from werkzeug.test import TestResponse

from shared import db
from shared.claims import Claims
from shared.clock import database_now
from shared.lifecycle import Status
from shared.models import Worker
from shared.progress import Progress, ProgressBoard, redis_client
from shared.queue_order import Priority
from shared.settings import Settings
from tests.backend.conftest import Person, poll
from tests.backend.records import id_of, make_admin, problem
from tests.orders import row
from tests.queues import add_rate, queue_up
from tests.together import at_once

CAP = 3
MODEL = "darkroom-demo"
UNITS = 20 * 0.128 * 0.128  # of a task without parameters


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"queue_cap": CAP})


def add_worker(engine: Engine) -> None:
    """One that has just given a sign of life."""
    of_itself = {"state": "idle", "models": [], "ended": 0, "memory": 0, "drain_requested": False}
    named = {"id": uuid.uuid4().hex, "node": uuid.uuid4().hex, "host": "here"}
    with db.write(engine) as connection:
        times = {"started_at": database_now(), "beat_at": database_now()}
        connection.execute(insert(Worker).values(**named, **of_itself, **times))


def submitted(person: Person, **body: Any) -> str:
    task: str = person.submit(**body).get_json()["data"]["task_id"]
    return task


def fill(person: Person) -> list[str]:
    return [submitted(person) for _ in range(CAP)]


def submit_v1(person: Person) -> TestResponse:
    return person.submit()


def submit_image(person: Person) -> TestResponse:
    return person.call("POST", "/api/v1/images/generate-test", json={"prompt": "a red circle"})


def submit_gin(person: Person) -> TestResponse:
    return person.call("POST", "/auth/generate", json={"prompt": "a red circle"})


@pytest.mark.parametrize("submit", [submit_v1, submit_image, submit_gin])
def test_a_full_queue_is_429_in_every_contract(alice: Person, submit: Any) -> None:
    fill(alice)

    response = submit(alice)

    text = response.get_data(as_text=True)
    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) > 0
    assert "queue_full" in text
    assert f"最多 {CAP} 个" in text


def test_a_full_queue_says_so_in_english_too(alice: Person) -> None:
    fill(alice)

    body = {"type": "t2i", "prompt": "a red circle"}
    answer = alice.call("POST", "/api/v1/generation", json=body, headers={"Accept-Language": "en"}).get_json()

    assert answer["message"] == f"Too many of your tasks are waiting: at most {CAP}, please try again later"


def test_one_users_full_queue_is_nobody_elses(alice: Person, bob: Person) -> None:
    fill(alice)

    assert bob.submit().status_code == 200


def test_what_runs_or_has_ended_takes_no_room(alice: Person, worker: Claims) -> None:
    tasks = fill(alice)
    worker.claim("gpu", lambda shape: 1)
    alice.call("DELETE", f"/api/v1/generation/{tasks[2]}")

    assert [alice.submit().status_code for _ in range(3)] == [200, 200, 429]


def test_trying_again_needs_room_too(alice: Person) -> None:
    [first, *_] = fill(alice)
    alice.call("DELETE", f"/api/v1/generation/{first}")
    submitted(alice)

    response = alice.call("POST", f"/api/v1/generation/{first}/retry")

    assert (response.status_code, response.get_json()["error"]["code"]) == (429, "queue_full")
    assert poll(alice, first)["state"] == "cancelled"


def test_the_same_key_again_needs_no_room(alice: Person) -> None:
    headers = {"Idempotency-Key": "once"}
    body = {"type": "t2i", "prompt": "a red circle"}
    first = alice.call("POST", "/api/v1/generation", json=body, headers=headers).get_json()
    full = [alice.submit().status_code for _ in range(CAP)][-1]

    again = alice.call("POST", "/api/v1/generation", json=body, headers=headers)

    assert full == 429
    assert again.get_json() == first


def test_tasks_that_come_at_the_same_moment_do_not_pass_the_limit(app: Flask, alice: Person) -> None:
    clients = [Person(app.test_client(), alice.account, alice.token) for _ in range(6)]

    answers = at_once(*(client.submit for client in clients))

    assert sorted(answer.status_code for answer in answers) == [200] * CAP + [429] * (6 - CAP)


@pytest.mark.parametrize(
    ("asked", "stored"), [({}, Priority.NORMAL), ({"priority": "normal"}, Priority.NORMAL), ({"priority": "low"}, 2)]
)
def test_anybody_may_let_others_go_first(alice: Person, engine: Engine, asked: dict[str, str], stored: int) -> None:
    task = submitted(alice, parameters=asked)

    assert row(engine, task).priority == stored


def test_high_priority_is_refused_to_users(alice: Person) -> None:
    response = alice.submit(parameters={"priority": "high"})

    assert problem(response) == (400, "parameters.priority", "priority_reserved")


def test_an_administrator_has_high_priority(alice: Person, bob: Person, engine: Engine) -> None:
    make_admin(engine, bob)
    mine = submitted(alice)

    urgent = submitted(bob, parameters={"priority": "high"})

    assert (poll(bob, urgent)["queue_position"], poll(alice, mine)["queue_position"]) == (1, 2)


@pytest.mark.parametrize("value", ["urgent", "HIGH", "", 1, True, [], {}])
def test_another_word_is_no_priority(alice: Person, value: object) -> None:
    response = alice.submit(parameters={"priority": value})

    assert problem(response)[:2] == (400, "parameters.priority")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/images/generate-test", {"prompt": "x", "params": {"priority": "high"}}),
        ("/auth/generate", {"prompt": "x", "priority": "high"}),
    ],
)
def test_the_other_contracts_refuse_it_too(alice: Person, path: str, body: dict[str, Any]) -> None:
    response = alice.call("POST", path, json=body)

    assert response.status_code == 400
    assert "priority_reserved" in response.get_data(as_text=True)


def test_a_newcomer_stands_before_a_backlog(alice: Person, bob: Person) -> None:
    mine = fill(alice)

    newcomers = submitted(bob)

    assert poll(bob, newcomers)["queue_position"] == 2
    assert [poll(alice, task)["queue_position"] for task in mine] == [1, 3, 4]


def test_places_are_the_order_in_which_tasks_are_taken(alice: Person, bob: Person, worker: Claims) -> None:
    tasks = dict.fromkeys(fill(alice), alice) | {submitted(bob, parameters={"steps": 40}): bob for _ in range(2)}
    tasks |= {submitted(bob, parameters={"priority": "low"}): bob}
    places = {task: poll(person, task)["queue_position"] for task, person in tasks.items()}

    taken = [worker.claim("gpu", lambda shape: 1)[0].public_id for _ in tasks]

    assert sorted(places.values()) == [1, 2, 3, 4, 5, 6]
    assert taken == sorted(places, key=lambda task: places[task])


def test_a_cancelled_task_costs_nothing(alice: Person, bob: Person) -> None:
    mine = fill(alice)
    others = fill(bob)
    for task in mine[:2]:
        alice.call("DELETE", f"/api/v1/generation/{task}")

    assert poll(alice, mine[2])["queue_position"] == 1
    assert [poll(bob, task)["queue_position"] for task in others] == [2, 3, 4]


def test_who_tries_again_stands_behind_the_rest_of_the_users_tasks(alice: Person, worker: Claims) -> None:
    [first, second, third] = fill(alice)
    [claim] = worker.claim("gpu", lambda shape: 1)
    worker.fail(claim, "generation_failed")

    alice.call("POST", f"/api/v1/generation/{first}/retry")

    assert [poll(alice, task)["queue_position"] for task in (second, third, first)] == [1, 2, 3]


def test_a_task_that_was_lifted_is_not_high_when_it_is_tried_again(
    alice: Person, engine: Engine, worker: Claims
) -> None:
    [task] = queue_up(engine, id_of(engine, alice), {"model": MODEL}, priority=Priority.HIGH)
    [claim] = worker.claim("gpu", lambda shape: 1)
    worker.fail(claim, "generation_failed")

    alice.call("POST", f"/api/v1/generation/{task}/retry")

    assert (row(engine, task).status, row(engine, task).priority) == (Status.QUEUED, Priority.NORMAL)


def test_without_a_measure_there_is_no_time(alice: Person, engine: Engine) -> None:
    add_worker(engine)

    found = poll(alice, submitted(alice))

    assert (found["eta_seconds"], found["eta_p90_seconds"]) == (None, None)


def test_without_a_worker_there_is_no_time(alice: Person, engine: Engine) -> None:
    add_rate(engine, MODEL, 10 / UNITS)

    found = poll(alice, submitted(alice))

    assert (found["eta_seconds"], found["eta_p90_seconds"]) == (None, None)


@pytest.mark.parametrize(("workers", "expected"), [(1, (10, 20, 30)), (2, (10, 10, 20))])
def test_a_waiting_task_tells_when_it_will_end(
    alice: Person, engine: Engine, workers: int, expected: tuple[int, ...]
) -> None:
    add_rate(engine, MODEL, 10 / UNITS)
    for _ in range(workers):
        add_worker(engine)
    queue_up(engine, id_of(engine, alice), *[{"model": MODEL, "steps": 20, "width": 128, "height": 128}] * 2)

    last = submitted(alice)

    assert poll(alice, last)["eta_seconds"] == expected[2]
    assert row(engine, last).expected_seconds == pytest.approx(expected[2])


def test_the_time_is_corrected_by_how_wrong_such_times_were(alice: Person, engine: Engine) -> None:
    add_rate(engine, MODEL, 10 / UNITS, p50=2.0, eta_p50=1.5, eta_p90=3.0)
    add_worker(engine)

    found = poll(alice, submitted(alice))

    assert (found["eta_seconds"], found["eta_p90_seconds"]) == (30, 60)


def test_what_runs_counts_for_who_waits(alice: Person, engine: Engine, worker: Claims) -> None:
    add_rate(engine, MODEL, 1000 / UNITS)
    add_worker(engine)
    queue_up(engine, id_of(engine, alice), {"model": MODEL, "steps": 20, "width": 128, "height": 128})
    worker.claim("gpu", lambda shape: 1)

    waiting = poll(alice, submitted(alice))

    assert 1900 < waiting["eta_seconds"] <= 2000


def test_a_running_task_tells_by_its_steps_when_it_will_end(
    alice: Person, engine: Engine, worker: Claims, settings: Settings
) -> None:
    add_rate(engine, MODEL, 100 / UNITS, p90=1.5)
    task = submitted(alice)
    [claim] = worker.claim("gpu", lambda shape: 1)
    before = poll(alice, task)

    ProgressBoard(redis_client(settings.redis_url)).write(task, Progress(claim.fence, 15, 20))

    half = poll(alice, task)
    assert (before["eta_seconds"], before["eta_p90_seconds"]) == (100, 150)
    assert (half["eta_seconds"], half["eta_p90_seconds"]) == (25, 38)


def test_a_task_whose_model_is_loading_tells_no_time(
    alice: Person, engine: Engine, worker: Claims, settings: Settings
) -> None:
    add_rate(engine, MODEL, 100 / UNITS)
    task = submitted(alice)
    [claim] = worker.claim("gpu", lambda shape: 1)

    ProgressBoard(redis_client(settings.redis_url)).write(task, Progress(claim.fence, 0, 20, "loading"))

    assert poll(alice, task)["eta_seconds"] is None


def test_a_task_that_has_ended_tells_no_time(alice: Person, engine: Engine, worker: Claims) -> None:
    add_rate(engine, MODEL, 100 / UNITS)
    task = submitted(alice)
    [claim] = worker.claim("gpu", lambda shape: 1)
    worker.complete(claim, [])

    assert (poll(alice, task)["eta_seconds"], poll(alice, task)["eta_p90_seconds"]) == (None, None)
