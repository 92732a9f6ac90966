"""Polls that cost little: ETag and 304, waiting for a change, many tasks at once."""

import threading
import time
from typing import Any

import pytest
from flask import Flask, request_finished

from backend.database import sql
from shared.claims import Claims
from shared.progress import Progress, ProgressBoard, redis_client
from shared.settings import Settings
from tests.backend.conftest import Person, poll
from tests.orders import result_entry


@pytest.fixture
def task(alice: Person) -> str:
    found: str = alice.submit().get_json()["data"]["task_id"]
    return found


@pytest.fixture
def board(settings: Settings) -> ProgressBoard:
    return ProgressBoard(redis_client(settings.redis_url))


@pytest.mark.parametrize(("known", "rung"), [({"made": {"rung": "vae_tiling"}}, "vae_tiling"), ({}, None)])
def test_a_result_tells_what_was_done_for_want_of_memory(
    alice: Person, worker: Claims, task: str, known: dict[str, Any], rung: str | None
) -> None:
    [claim] = worker.claim("gpu", lambda shape: 1)
    worker.complete(claim, [result_entry(f"{task}.png", **known)])

    [result] = poll(alice, task)["results"]

    assert result["rung"] == rung


def test_a_result_tells_by_which_profile_it_was_made(alice: Person, worker: Claims, task: str) -> None:
    [claim] = worker.claim("gpu", lambda shape: 1)
    worker.complete(claim, [result_entry(f"{task}.png", made={"profile": "fast"})])

    assert [result["profile"] for result in poll(alice, task)["results"]] == ["fast"]


def tag_of(person: Person, path: str, **options: Any) -> str:
    return person.call("GET", path, **options).headers["ETag"]


def test_what_has_not_changed_is_304_without_a_body(alice: Person, task: str) -> None:
    tag = tag_of(alice, f"/api/v1/generation/{task}")

    response = alice.call("GET", f"/api/v1/generation/{task}", headers={"If-None-Match": tag})

    assert (response.status_code, response.data, response.headers["ETag"]) == (304, b"", tag)


def test_every_change_has_a_tag_of_its_own(alice: Person, task: str, worker: Claims, board: ProgressBoard) -> None:
    path = f"/api/v1/generation/{task}"
    tags = [tag_of(alice, path)]
    [claim] = worker.claim("gpu", lambda model: 1)
    tags.append(tag_of(alice, path))
    for step in (1, 2):
        board.write(task, Progress(claim.fence, step, 20))
        tags.append(tag_of(alice, path))
    worker.complete(claim, [result_entry(f"{task}.png")])
    tags.append(tag_of(alice, path))

    assert len(set(tags)) == len(tags) == 5


def test_each_language_has_a_tag_of_its_own(alice: Person, task: str) -> None:
    path = f"/api/v1/generation/{task}"

    assert tag_of(alice, path) != tag_of(alice, path, headers={"Accept-Language": "en"})
    assert "Accept-Language" in alice.call("GET", path).headers["Vary"]


def test_a_place_in_the_queue_is_part_of_what_may_change(alice: Person, task: str, worker: Claims) -> None:
    second = alice.submit().get_json()["data"]["task_id"]
    before = tag_of(alice, f"/api/v1/generation/{second}")
    worker.claim("gpu", lambda model: 1)

    assert tag_of(alice, f"/api/v1/generation/{second}") != before


@pytest.mark.parametrize("path", ["/{}", "/{}?wait=0.01", "?ids={}"], ids=["one", "waiting", "many"])
def test_a_poll_opens_no_session(app: Flask, alice: Person, task: str, path: str) -> None:
    opened: list[bool] = []

    with request_finished.connected_to(lambda *_, **__: opened.append(sql.session.registry.has()), app):
        alice.call("GET", "/api/v1/generation" + path.format(task))

    assert opened == [False]


def test_a_poll_waits_until_the_task_changes(alice: Person, app: Flask, task: str, worker: Claims) -> None:
    answers: list[dict[str, Any]] = []
    waiting = Person(app.test_client(), "alice", alice.token)

    def wait() -> None:
        answers.append(waiting.call("GET", f"/api/v1/generation/{task}?wait=20").get_json()["data"])

    thread = threading.Thread(target=wait)
    thread.start()
    until_listening(app)
    worker.claim("gpu", lambda model: 1)
    thread.join(timeout=10)

    assert [answer["state"] for answer in answers] == ["processing"]


def test_progress_ends_the_waiting_at_once(alice: Person, app: Flask, task: str, worker: Claims, board: Any) -> None:
    [claim] = worker.claim("gpu", lambda model: 1)
    tag = tag_of(alice, f"/api/v1/generation/{task}")
    answers: list[float] = []
    waiting = Person(app.test_client(), "alice", alice.token)

    def wait() -> None:
        url = f"/api/v1/generation/{task}?wait=20"
        answers.append(waiting.call("GET", url, headers={"If-None-Match": tag}).get_json()["data"]["progress"])

    thread = threading.Thread(target=wait)
    thread.start()
    until_listening(app)
    board.write(task, Progress(claim.fence, 5, 20))
    thread.join(timeout=10)

    assert answers == [0.25]


@pytest.mark.parametrize("end", ["completed", "failed", "cancelled"])
def test_a_task_that_has_ended_is_not_waited_for(alice: Person, task: str, worker: Claims, end: str) -> None:
    if end == "cancelled":
        alice.call("DELETE", f"/api/v1/generation/{task}")
    else:
        [claim] = worker.claim("gpu", lambda model: 1)
        assert worker.complete(claim, []) if end == "completed" else worker.fail(claim, "generation_failed")
    started = time.monotonic()

    answer = alice.call("GET", f"/api/v1/generation/{task}?wait=30").get_json()["data"]

    assert answer["state"] == end
    assert time.monotonic() - started < 5


def test_what_the_caller_does_not_know_yet_is_not_waited_for(alice: Person, task: str, worker: Claims) -> None:
    tag = tag_of(alice, f"/api/v1/generation/{task}")
    worker.claim("gpu", lambda model: 1)
    started = time.monotonic()

    response = alice.call("GET", f"/api/v1/generation/{task}?wait=30", headers={"If-None-Match": tag})

    assert response.get_json()["data"]["state"] == "processing"
    assert time.monotonic() - started < 5


def test_nothing_happens_and_the_time_is_over(alice: Person, task: str) -> None:
    started = time.monotonic()

    response = alice.call("GET", f"/api/v1/generation/{task}?wait=0.3")

    assert response.status_code == 200
    assert 0.3 <= time.monotonic() - started < 5


def test_without_a_free_place_the_answer_comes_at_once(alice: Person, app: Flask, task: str) -> None:
    watch = app.extensions["darkroom"].watch
    places = [watch.listen() for _ in range(8)]
    assert [place.__enter__() is not None for place in places] == [True] * 8
    started = time.monotonic()

    response = alice.call("GET", f"/api/v1/generation/{task}?wait=30")

    assert response.status_code == 200
    assert time.monotonic() - started < 5
    for place in places:
        place.__exit__(None, None, None)


@pytest.mark.parametrize("wait", ["-1", "31", "inf", "nan", "x", "", "1e400"])
def test_a_wait_out_of_bounds_is_refused(alice: Person, task: str, wait: str) -> None:
    response = alice.call("GET", f"/api/v1/generation/{task}", query_string={"wait": wait})

    assert response.status_code == 400
    assert response.get_json()["error"]["fields"][0]["field"] == "wait"


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # nothing of this reaches a database
@pytest.mark.parametrize("tag", ["*", "x", '"', 'W/"', '"a", b, "c', "W/", "\xff", ",,", "x" * 5000])
def test_a_tag_that_is_none_of_ours_is_no_reason_to_fail(alice: Person, app: Flask, task: str, tag: str) -> None:
    app.extensions["darkroom"].watch.close()  # so that nothing is waited for
    paths = (f"/{task}", f"/{task}?wait=30", f"?ids={task}")

    answers = {
        alice.call("GET", f"/api/v1/generation{path}", headers={"If-None-Match": tag}).status_code for path in paths
    }

    assert answers == ({304} if tag == "*" else {200})


def test_many_tasks_are_asked_for_at_once(alice: Person, bob: Person, task: str, worker: Claims) -> None:
    others = bob.submit().get_json()["data"]["task_id"]
    second = alice.submit().get_json()["data"]["task_id"]
    worker.claim("gpu", lambda model: 1)

    body = alice.call("GET", f"/api/v1/generation?ids={second},{others},{task},task_0,{task}").get_json()

    assert [found["task_id"] for found in body["data"]["tasks"]] == [second, task]
    assert body["data"]["tasks"] == [poll(alice, second), poll(alice, task)]
    assert body["data"]["not_found"] == [others, "task_0"]


def test_a_repeated_parameter_counts_like_one_with_commas(alice: Person, task: str) -> None:
    once = alice.call("GET", f"/api/v1/generation?ids={task},task_0").get_json()

    assert alice.call("GET", f"/api/v1/generation?ids={task}&ids=task_0").get_json() == once


def test_many_unchanged_tasks_are_304(alice: Person, task: str, worker: Claims) -> None:
    path = f"/api/v1/generation?ids={task},task_0"
    tag = tag_of(alice, path)

    unchanged = alice.call("GET", path, headers={"If-None-Match": tag})
    worker.claim("gpu", lambda model: 1)
    changed = alice.call("GET", path, headers={"If-None-Match": tag})

    assert (unchanged.status_code, changed.status_code) == (304, 200)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "ids"),
        ({"ids": ""}, "ids"),
        ({"ids": "a,,b"}, "ids"),
        ({"ids": ",".join(f"task_{number}" for number in range(101))}, "ids"),
        ({"ids": "x" * 65}, "ids"),
        ({"ids": "a", "surprise": "1"}, "surprise"),
    ],
    ids=str,
)
def test_a_question_about_many_that_is_not_valid_names_the_field(
    alice: Person, query: dict[str, Any], field: str
) -> None:
    response = alice.call("GET", "/api/v1/generation", query_string=query)

    assert response.status_code == 400
    assert response.get_json()["error"]["fields"][0]["field"].startswith(field)


def test_ids_of_any_text_are_simply_not_found(alice: Person) -> None:
    asked = "' OR 1=1 --,😀,a\0b,%00"

    body = alice.call("GET", "/api/v1/generation", query_string={"ids": asked}).get_json()

    assert body["data"] == {"tasks": [], "not_found": asked.split(",")}


def until_listening(app: Flask) -> None:
    """Somebody waits now."""
    deadline = time.monotonic() + 10
    while not app.extensions["darkroom"].watch._listeners:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.2)  # long enough for the first look at the task
