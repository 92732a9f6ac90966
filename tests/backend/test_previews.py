"""What a running task shows of the picture to come: where, to whom, and until when."""

from typing import Any

import pytest
from sqlalchemy import Engine, update

from shared import db
from shared.claims import Claim, Claims
from shared.clock import now
from shared.models import Task
from shared.progress import Progress, ProgressBoard, redis_client
from shared.settings import Settings
from tests.backend.conftest import Person, poll
from tests.backend.made import LINKS
from tests.orders import result_entry

PICTURE = b"RIFF\x00\xff what a small picture"


@pytest.fixture
def board(settings: Settings) -> ProgressBoard:
    return ProgressBoard(redis_client(settings.redis_url))


@pytest.fixture
def task(alice: Person) -> str:
    found: str = alice.submit().get_json()["data"]["task_id"]
    return found


@pytest.fixture
def running(task: str, worker: Claims, board: ProgressBoard) -> Claim:
    """A claim of the task, with a first preview."""
    [claim] = worker.claim("gpu", lambda shape: 1)
    board.write(task, Progress(claim.fence, 3, 20))
    board.show(task, claim.fence, 1, PICTURE)
    return claim


def shown(person: Person, url: str) -> tuple[int, Any]:
    """Without a token."""
    response = person.client.get(url, buffered=True)
    return response.status_code, response.get_json()["error"]["code"] if response.is_json else response.data


@pytest.mark.usefixtures("running")
def test_a_running_task_has_a_picture_that_opens_without_a_token(alice: Person, task: str) -> None:
    url = poll(alice, task)["preview_url"]

    response = alice.client.get(url, buffered=True)

    assert url.startswith(f"/api/v1/generation/{task}/preview?p=")
    assert (response.status_code, response.data, response.mimetype) == (200, PICTURE, "image/webp")
    assert response.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.usefixtures("running")
def test_its_user_needs_no_signature(alice: Person, task: str) -> None:
    response = alice.call("GET", f"/api/v1/generation/{task}/preview")

    assert (response.status_code, response.data) == (200, PICTURE)


@pytest.mark.usefixtures("running")
def test_a_picture_that_the_client_has_is_not_sent_again(alice: Person, task: str) -> None:
    url = f"/api/v1/generation/{task}/preview"
    tag = alice.call("GET", url).headers["ETag"]

    response = alice.call("GET", url, headers={"If-None-Match": tag})

    assert (response.status_code, response.data) == (304, b"")


def test_each_picture_has_another_url_and_changes_the_task(
    alice: Person, task: str, running: Claim, board: ProgressBoard
) -> None:
    path = f"/api/v1/generation/{task}"
    answers = [alice.call("GET", path), alice.call("GET", path)]
    board.show(task, running.fence, 2, b"another one")
    answers.append(alice.call("GET", path))

    tags = [answer.headers["ETag"] for answer in answers]
    urls = [answer.get_json()["data"]["preview_url"] for answer in answers]

    assert (tags[0], urls[0]) == (tags[1], urls[1])
    assert tags[1] != tags[2]
    assert urls[1] != urls[2]
    assert shown(alice, urls[2]) == shown(alice, urls[0]) == (200, b"another one")


def test_a_task_has_none_while_it_waits_or_before_its_first(
    alice: Person, task: str, worker: Claims, board: ProgressBoard
) -> None:
    waiting = poll(alice, task)["preview_url"]
    [claim] = worker.claim("gpu", lambda shape: 1)
    board.write(task, Progress(claim.fence, 3, 20))

    assert (waiting, poll(alice, task)["preview_url"]) == (None, None)
    assert alice.call("GET", f"/api/v1/generation/{task}/preview").status_code == 404


@pytest.mark.usefixtures("running")
def test_somebody_else_finds_the_same_as_where_there_is_nothing(alice: Person, bob: Person, task: str) -> None:
    foreign = bob.call("GET", f"/api/v1/generation/{task}/preview")
    unknown = bob.call("GET", "/api/v1/generation/task_0/preview")

    assert (foreign.status_code, foreign.get_json()) == (404, unknown.get_json())
    assert foreign.get_json()["code"] == 404


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "token_missing"),
        ("?p=1.1", "token_missing"),
        ("?expires=9999999999&signature=x", "link_invalid"),
        (f"?{LINKS.sign('task_0')}", "link_invalid"),
    ],
    ids=["nothing", "a number", "a forged link", "another task's link"],
)
def test_without_a_link_of_its_own_it_does_not_open(alice: Person, task: str, query: str, code: str) -> None:
    assert shown(alice, f"/api/v1/generation/{task}/preview{query}") == (401, code)


@pytest.mark.usefixtures("running")
def test_its_link_opens_no_file(alice: Person, task: str) -> None:
    link = poll(alice, task)["preview_url"].partition("?")[2]

    assert shown(alice, f"/generated_outputs/{task}.png?{link}") == (401, "link_invalid")


@pytest.mark.parametrize("end", ["completed", "failed", "given back", "deleted"])
def test_it_is_gone_when_the_task_does_not_run_any_more(
    alice: Person, task: str, running: Claim, worker: Claims, engine: Engine, end: str
) -> None:
    url = poll(alice, task)["preview_url"]
    if end == "completed":
        worker.complete(running, [result_entry(f"{task}.png")])
    elif end == "failed":
        worker.fail(running, "generation_failed")
    elif end == "given back":
        worker.give_back([(running.id, running.fence)])
    else:
        with db.write(engine) as connection:
            connection.execute(update(Task).values(deleted_at=now()))

    answer = alice.call("GET", f"/api/v1/generation/{task}").get_json()

    assert (answer["data"] or {}).get("preview_url") is None
    assert shown(alice, url) == (404, "not_found")


def test_another_try_does_not_show_what_the_last_one_did(
    alice: Person, task: str, running: Claim, worker: Claims, board: ProgressBoard
) -> None:
    url = poll(alice, task)["preview_url"]
    worker.give_back([(running.id, running.fence)])
    [again] = worker.claim("gpu", lambda shape: 1)
    board.write(task, Progress(again.fence, 1, 20))

    assert poll(alice, task)["preview_url"] is None
    assert shown(alice, url) == (404, "not_found")


@pytest.mark.usefixtures("running")
def test_many_tasks_are_told_with_their_pictures(alice: Person, task: str) -> None:
    other = alice.submit().get_json()["data"]["task_id"]

    found = alice.call("GET", f"/api/v1/generation?ids={task},{other}").get_json()["data"]["tasks"]

    assert [shown(alice, one["preview_url"])[1] if one["preview_url"] else None for one in found] == [PICTURE, None]
