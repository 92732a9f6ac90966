"""Deleting a record of the history hides it from its user, with its files and favourites. On both stacks."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from backend.services.history import History
from backend.services.links import Links
from shared import clock
from shared.lifecycle import Status
from shared.settings import Settings
from shared.storage import LocalStorage
from tests.backend.conftest import Person
from tests.backend.favorites import add, added, names, root
from tests.backend.records import PATH, add_records, ask, delete, id_of, listed, problem
from tests.orders import row
from tests.together import at_once

ROUNDS = 8
PICTURE = b"\x89PNG a picture"


def refusal(person: Person, **body: Any) -> tuple[int, str]:
    response = delete(person, **body)
    return response.status_code, response.get_json()["error"]["code"]


@pytest.fixture
def task(alice: Person, engine: Engine) -> str:
    """A completed task with two results."""
    return add_records(engine, alice, {"files": 2})[0]


def test_deleting_answers_as_documented(alice: Person, task: str) -> None:
    response = delete(alice, result_url=f"/generated_outputs/{task}.png")

    assert response.status_code == 200
    assert response.get_json() == {
        "code": 200,
        "message": "生成记录内容成功",
        "data": {"result_url": f"/generated_outputs/{task}.png"},
    }


@pytest.mark.parametrize(
    "form",
    [
        "/generated_outputs/{task}.png",
        "/generated_outputs/{task}_2.png",
        "http://localhost:8000/generated_outputs/{task}.png",
        "https://example.com/darkroom/generated_outputs/{task}_2.png",
        "/generated_outputs/{task}.png?expires=1&signature=ab/cd",
        "https://example.com/generated_outputs/{task}.png?expires=1#top",
    ],
)
def test_any_form_of_any_of_its_urls_names_the_record(alice: Person, task: str, form: str) -> None:
    response = delete(alice, result_url=form.format(task=task))

    assert response.get_json()["data"] == {"result_url": f"/generated_outputs/{task}.png"}
    assert listed(alice) == []


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])
def test_a_task_that_made_nothing_is_named_by_its_id(alice: Person, engine: Engine, status: Status) -> None:
    [failed, other] = add_records(engine, alice, {"status": status}, {})

    response = delete(alice, task_id=failed)

    assert response.get_json()["data"] == {"result_url": None}
    assert listed(alice) == [other]


def test_a_deleted_record_is_nowhere_to_be_seen(alice: Person, engine: Engine, settings: Settings) -> None:
    LocalStorage(settings.data_dir / "files").save("results/aa/x.png", PICTURE)
    [task, failed] = add_records(engine, alice, {}, {"status": Status.FAILED})
    [shown] = ask(alice, status="completed").get_json()["data"][0]["results"]
    before = alice.client.get(shown["signed_url"], buffered=True).status_code

    delete(alice, task_id=task)
    delete(alice, task_id=failed)

    assert before == 200
    assert listed(alice) == listed(alice, sort="model") == listed(alice, status="completed") == []
    assert alice.call("GET", f"/api/v1/generation/{task}").status_code == 404
    assert alice.call("POST", f"/api/v1/generation/{failed}/retry").status_code == 404
    assert alice.call("GET", f"/generated_outputs/{task}.png").status_code == 404
    assert alice.client.get(shown["signed_url"]).status_code == 404


def test_the_row_stays_and_says_when_it_was_deleted(alice: Person, engine: Engine, task: str) -> None:
    before = row(engine, task)

    delete(alice, task_id=task)

    after = row(engine, task)
    assert after.deleted_at is not None
    assert abs((after.deleted_at - clock.now()).total_seconds()) < 60
    assert after.updated_at > before.updated_at
    assert (after.status, after.results) == (before.status, before.results)


def test_its_favourites_go_along_and_no_others(alice: Person, engine: Engine, task: str) -> None:
    [other] = add_records(engine, alice, {})
    folder = added(alice, root(alice), "folder")
    added(alice, folder, "first", f"/generated_outputs/{task}.png")
    added(alice, root(alice), "second", f"/generated_outputs/{task}_2.png")
    added(alice, root(alice), "other", f"/generated_outputs/{other}.png")

    delete(alice, result_url=f"/generated_outputs/{task}_2.png")

    assert sorted(names(alice)) == ["/", "folder", "other"]
    assert listed(alice, favorite="true") == [other]
    assert not row(engine, task).favorite


def test_a_record_and_its_favourites_go_together_or_not_at_all(alice: Person, engine: Engine, task: str) -> None:
    class Away:
        def forget_task(self, user_id: int, task_id: int) -> None:
            raise ConnectionError

    with Session(engine) as session:
        history = History(session, Links("secret", 60), Away())  # type: ignore[arg-type]
        with pytest.raises(ConnectionError):
            history.delete(id_of(engine, alice), task)

    assert listed(alice) == [task]


@pytest.mark.parametrize("status", [Status.QUEUED, Status.PROCESSING])
def test_a_task_that_has_not_ended_stays(alice: Person, engine: Engine, status: Status) -> None:
    [task] = add_records(engine, alice, {"status": status})

    assert refusal(alice, task_id=task) == (409, "still_running")
    assert listed(alice) == [task]


def test_a_deleted_record_is_not_found_again(alice: Person, task: str) -> None:
    delete(alice, task_id=task)

    assert refusal(alice, task_id=task) == (404, "not_found")
    assert refusal(alice, result_url=f"/generated_outputs/{task}.png") == (404, "not_found")


def test_somebody_elses_record_is_like_one_that_does_not_exist(alice: Person, bob: Person, task: str) -> None:
    unknown = task.replace("0", "f")

    others, nobodys = (delete(bob, result_url=f"/generated_outputs/{id}.png") for id in (task, unknown))

    assert others.status_code == nobodys.status_code == 404
    assert others.get_json() == nobodys.get_json()
    assert refusal(bob, task_id=task) == (404, "not_found")
    assert listed(alice) == [task]


@pytest.mark.parametrize(
    "url",
    [
        "/generated_outputs/{task}_3.png",
        "/generated_outputs/{task}.jpg",
        "/generated_outputs/{task}_thumb.png",
        "/generated_outputs/",
        "/generated_outputs/67890.txt",
        "/generated_outputs/ref_00000000000000000000.png",
        "/generated_outputs/../{task}.png",
        "/generated_outputs/{task}.png/",
        "/generated_outputs/%00",
        "http://[",
        "\0",
        "😀",
        "' OR 1=1 --",
    ],
)
def test_a_url_that_is_no_result_is_not_found(alice: Person, task: str, url: str) -> None:
    assert refusal(alice, result_url=url.format(task=task)) == (404, "not_found")
    assert listed(alice) == [task]


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # nothing of this reaches a database
@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({}, "body", "exactly_one"),
        ({"result_url": "x", "task_id": "y"}, "body", "exactly_one"),
        ({"result_url": "x", "task_id": None}, "body", "exactly_one"),
        ({"surprise": 1}, "body", "exactly_one"),
        ([], "body", "model_type"),
        ("text", "body", "model_type"),
        ({"result_url": None}, "result_url", "string_type"),
        ({"result_url": 1}, "result_url", "string_type"),
        ({"result_url": ["x"]}, "result_url", "string_type"),
        ({"result_url": ""}, "result_url", "string_too_short"),
        ({"result_url": "x" * 1_000_000}, "result_url", "string_too_long"),
        ({"task_id": True}, "task_id", "string_type"),
        ({"task_id": ""}, "task_id", "string_too_short"),
        ({"task_id": "x" * 65}, "task_id", "string_too_long"),
        ({"task_id": "x", "surprise": 1}, "surprise", "extra_forbidden"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_body_that_names_no_record_is_refused(alice: Person, body: Any, field: str, code: str) -> None:
    assert problem(alice.call("POST", PATH, json=body)) == (400, field, code)


@pytest.fixture
def clients(app: Flask, alice: Person) -> list[Person]:
    """One person, several times."""
    return [replace(alice, client=app.test_client()) for _ in range(4)]


def test_of_several_who_delete_at_once_only_one_finds_something(
    alice: Person, engine: Engine, clients: list[Person]
) -> None:
    tasks = add_records(engine, alice, *[{}] * ROUNDS)

    answers = [at_once(*(partial(delete, client, task_id=task) for client in clients)) for task in tasks]

    assert [sorted(answer.status_code for answer in each) for each in answers] == [[200, 404, 404, 404]] * ROUNDS


def test_who_deletes_while_somebody_adds_a_favourite_leaves_none_behind(
    alice: Person, engine: Engine, clients: list[Person]
) -> None:
    tasks = add_records(engine, alice, *[{}] * ROUNDS)
    home = root(alice)

    answers = [
        at_once(
            partial(delete, clients[0], task_id=task),
            partial(add, clients[1], home, task, f"/generated_outputs/{task}.png"),
        )
        for task in tasks
    ]

    assert {answer.status_code for answer, _ in answers} == {200}
    assert {answer.status_code for _, answer in answers} <= {200, 400}
    assert names(alice) == ["/"]
