"""Server-sent events: changes as they happen, and going on after the last one that was heard."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from backend import create_app
from shared.claims import Claims
from shared.progress import Progress, ProgressBoard, redis_client
from shared.settings import Settings
from tests.backend.conftest import Person, poll
from tests.orders import result_entry


@dataclass(frozen=True)
class Heard:
    """One event."""

    id: str
    task: dict[str, Any]


@pytest.fixture
def task(alice: Person) -> str:
    found: str = alice.submit().get_json()["data"]["task_id"]
    return found


@pytest.fixture
def board(settings: Settings) -> ProgressBoard:
    return ProgressBoard(redis_client(settings.redis_url))


def listen(person: Person, path: str, last_id: str | None = None, app: Flask | None = None) -> Iterator[Heard]:
    """The events of a stream; each is read when it is asked for."""
    client = (app or person.client.application).test_client()
    headers = {"Authorization": f"Bearer {person.token}", **({"Last-Event-ID": last_id} if last_id else {})}
    response = client.get(f"/api/v1/{path}", headers=headers, buffered=False)
    assert (response.status_code, response.mimetype) == (200, "text/event-stream")
    for block in response.response:
        text = block.decode() if isinstance(block, bytes) else block
        fields = dict(line.split(": ", 1) for line in text.strip().splitlines())
        if "data" in fields:
            assert fields["event"] == "task"
            yield Heard(fields["id"], json.loads(fields["data"]))
    response.close()


def test_a_stream_begins_with_the_task_as_it_is(alice: Person, task: str) -> None:
    assert next(listen(alice, f"generation/{task}/events")).task == poll(alice, task)


def test_a_stream_tells_each_change_and_ends_with_the_task(
    alice: Person, task: str, worker: Claims, board: ProgressBoard
) -> None:
    events = listen(alice, f"generation/{task}/events")
    told = [next(events)]
    [claim] = worker.claim("gpu", lambda model: 1)
    told.append(next(events))
    board.write(task, Progress(claim.fence, 5, 20))
    told.append(next(events))
    worker.complete(claim, [result_entry(f"{task}.png")])
    told += list(events)

    assert [event.task["state"] for event in told] == ["queued", "processing", "processing", "completed"]
    assert told[2].task["progress"] == 0.25
    assert told[-1].task == poll(alice, task)


def test_who_has_heard_the_end_is_told_that_nothing_follows(alice: Person, task: str) -> None:
    alice.call("DELETE", f"/api/v1/generation/{task}")
    [last] = listen(alice, f"generation/{task}/events")

    again = alice.call("GET", f"/api/v1/generation/{task}/events", headers={"Last-Event-ID": last.id})

    assert (again.status_code, again.data) == (204, b"")


def test_a_stream_goes_on_in_another_process(alice: Person, task: str, worker: Claims, settings: Settings) -> None:
    first = next(listen(alice, f"generation/{task}/events"))
    [claim] = worker.claim("gpu", lambda model: 1)
    worker.complete(claim, [result_entry(f"{task}.png")])
    restarted = create_app(settings)

    missed = list(listen(alice, f"generation/{task}/events", first.id, restarted))

    assert [event.task["state"] for event in missed] == ["completed"]
    restarted.extensions["darkroom"].close()


def test_what_has_been_heard_is_not_told_again(alice: Person, task: str, worker: Claims) -> None:
    first = next(listen(alice, f"generation/{task}/events"))
    going_on = listen(alice, f"generation/{task}/events", first.id)
    worker.claim("gpu", lambda model: 1)

    assert next(going_on).task["state"] == "processing"


def test_all_of_a_users_tasks_come_in_one_stream(alice: Person, bob: Person, task: str, worker: Claims) -> None:
    events = listen(alice, "user/events")
    first = next(events)
    bob.submit()
    second = alice.submit().get_json()["data"]["task_id"]
    told = next(events)

    assert (first.task["task_id"], told.task["task_id"]) == (task, second)


def test_a_users_stream_tells_progress_too(alice: Person, task: str, worker: Claims, board: ProgressBoard) -> None:
    [claim] = worker.claim("gpu", lambda model: 1)
    events = listen(alice, "user/events")
    next(events)
    board.write(task, Progress(claim.fence, 5, 20))

    assert next(events).task["progress"] == 0.25


def test_a_users_stream_goes_on_in_another_process(
    alice: Person, task: str, worker: Claims, settings: Settings
) -> None:
    last = next(listen(alice, "user/events"))
    [claim] = worker.claim("gpu", lambda model: 1)
    worker.fail(claim, "out_of_memory")
    restarted = create_app(settings)

    missed = next(listen(alice, "user/events", last.id, restarted))

    assert (missed.task["task_id"], missed.task["state"]) == (task, "failed")
    restarted.extensions["darkroom"].close()


def test_a_stream_from_now_on_has_nothing_of_what_ended_before(alice: Person, task: str) -> None:
    alice.call("DELETE", f"/api/v1/generation/{task}")
    fresh = alice.submit().get_json()["data"]["task_id"]

    assert next(listen(alice, "user/events")).task["task_id"] == fresh


def test_without_a_free_place_a_stream_tells_what_is_and_ends(alice: Person, app: Flask, task: str) -> None:
    watch = app.extensions["darkroom"].watch
    places = [watch.listen() for _ in range(8)]
    assert [place.__enter__() is not None for place in places] == [True] * 8

    told = [list(listen(alice, path)) for path in (f"generation/{task}/events", "user/events")]

    assert [[event.task["task_id"] for event in events] for events in told] == [[task], [task]]
    for place in places:
        place.__exit__(None, None, None)


def test_a_stream_ends_when_the_process_is_about_to_end(alice: Person, app: Flask, task: str) -> None:
    events = listen(alice, f"generation/{task}/events")
    next(events)

    app.extensions["darkroom"].watch.close()

    assert list(events) == []


def test_a_stream_that_nobody_reads_any_more_frees_its_place(alice: Person, app: Flask, task: str) -> None:
    for _ in range(20):
        client = app.test_client()
        headers = {"Authorization": f"Bearer {alice.token}"}
        response = client.get(f"/api/v1/generation/{task}/events", headers=headers, buffered=False)
        next(iter(response.response))
        response.close()

    with app.extensions["darkroom"].watch.listen() as place:
        assert place is not None


@pytest.mark.parametrize("last_id", ["x", "-1", "9" * 16, "9" * 200, "😀", "' OR 1=1", "1.5", "0"])
def test_an_id_that_is_none_of_ours_begins_anew(alice: Person, task: str, last_id: str) -> None:
    assert next(listen(alice, f"generation/{task}/events", last_id)).task["task_id"] == task
    assert alice.call("GET", "/api/v1/models").status_code == 200


def test_an_id_that_is_too_long_is_refused(alice: Person, task: str) -> None:
    for path in (f"generation/{task}/events", "user/events"):
        response = alice.call("GET", f"/api/v1/{path}", headers={"Last-Event-ID": "x" * 256})

        assert response.status_code == 400
        assert response.get_json()["error"]["fields"][0]["field"] == "Last-Event-ID"


def test_somebody_elses_stream_is_like_one_that_does_not_exist(alice: Person, bob: Person, task: str) -> None:
    others, nobodys = (bob.call("GET", f"/api/v1/generation/{name}/events") for name in (task, "task_0"))

    assert others.status_code == nobodys.status_code == 404
    assert others.get_json() == nobodys.get_json()
