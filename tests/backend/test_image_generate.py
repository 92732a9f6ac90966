"""The image contract's generation: the same queue, a bounded wait, and what is said when it is over."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from backend.database import sql
from shared.claims import Claims
from shared.models import Task
from shared.settings import Settings
from tests.backend.conftest import Person, poll
from tests.backend.image import ENGLISH, refusal
from tests.backend.records import id_of
from tests.backend.test_polling import until_listening
from tests.orders import result_entry, row

PATH = "/api/v1/images/generate-test"
ASKED = {"prompt": "a sunset", "params": {"model": "test_model", "steps": 50, "seed": 12345}}


def ask(person: Person, body: Any, **options: Any) -> TestResponse:
    return person.call("POST", PATH, json=body, **options)


def newest(person: Person) -> str:
    [found] = person.call("GET", "/api/v1/images/history?per_page=1").get_json()["data"]["records"]
    task: str = found["taskId"]
    return task


@contextmanager
def no_place(app: Flask) -> Iterator[None]:
    """Everybody who may wait does."""
    watch = app.extensions["darkroom"].watch
    places = [watch.listen() for _ in range(8)]
    assert all(place.__enter__() for place in places)
    yield
    for place in places:
        place.__exit__(None, None, None)


@contextmanager
def asking(app: Flask, person: Person, **options: Any) -> Iterator[list[TestResponse]]:
    """Somebody asks in a thread of their own and waits; the answer is there behind the block."""
    answers: list[TestResponse] = []
    own = Person(app.test_client(), person.account, person.token)
    thread = threading.Thread(target=lambda: answers.append(ask(own, ASKED, **options)))
    thread.start()
    until_listening(app)
    yield answers
    thread.join(timeout=30)


def test_a_picture_that_is_ready_in_time_is_answered_as_documented(
    alice: Person, app: Flask, engine: Engine, worker: Claims
) -> None:
    with asking(app, alice) as answers:
        [claim] = worker.claim("gpu", lambda model: 1)
        worker.complete(claim, [result_entry(f"{claim.public_id}.png")])

    [response] = answers
    body = response.get_json()
    assert (response.status_code, body["status"], body["message"]) == (200, "success", "图像生成成功")
    assert body["data"]["id"] == claim.id
    assert body["data"]["status"] == "completed"
    url = f"/api/uploads/generated_images/{id_of(engine, alice)}/{claim.public_id}.png"
    assert body["data"]["imageUrl"] == url
    assert body["data"]["signedUrl"].startswith(f"{url}?expires=")


def test_a_picture_that_fails_is_an_error_that_says_why(alice: Person, app: Flask, worker: Claims) -> None:
    with asking(app, alice) as answers:
        [claim] = worker.claim("gpu", lambda model: 1)
        worker.fail(claim, "out_of_memory")

    assert refusal(answers[0]) == (500, "", "generation_failed")
    assert answers[0].get_json()["message"] == "显存不足"


def test_the_reason_is_in_the_callers_language(alice: Person, app: Flask, worker: Claims) -> None:
    with asking(app, alice, headers=ENGLISH) as answers:
        [claim] = worker.claim("gpu", lambda model: 1)
        worker.fail(claim, "out_of_memory")

    assert answers[0].get_json()["message"] == "The device ran out of memory"


def test_a_picture_that_is_cancelled_meanwhile_is_an_error_too(alice: Person, app: Flask) -> None:
    with asking(app, alice) as answers:
        alice.call("DELETE", f"/api/v1/generation/{newest(alice)}")

    assert refusal(answers[0]) == (500, "", "generation_failed")
    assert answers[0].get_json()["message"] == "任务已取消"


def test_who_waits_holds_no_connection(alice: Person, app: Flask, worker: Claims) -> None:
    with asking(app, alice) as answers:
        with app.app_context():
            held = sql.engine.pool.checkedout()
        [claim] = worker.claim("gpu", lambda model: 1)
        worker.complete(claim, [result_entry(f"{claim.public_id}.png")])

    assert held == 0
    assert answers[0].status_code == 200


@pytest.mark.parametrize(
    ("headers", "message"), [({}, "图像生成中"), (ENGLISH, "The picture is being made")], ids=["zh", "en"]
)
def test_without_a_free_place_the_answer_comes_at_once(
    alice: Person, app: Flask, engine: Engine, headers: Any, message: str
) -> None:
    with no_place(app):
        response = ask(alice, ASKED, headers=headers)

    body = response.get_json()
    assert (response.status_code, body["status"], body["message"]) == (202, "success", message)
    task = row(engine, body["data"]["taskId"])
    assert body["data"] == {
        "id": task.id,
        "taskId": task.public_id,
        "status": "pending",
        "imageUrl": None,
        "signedUrl": None,
    }


class TestWhenTheTimeIsOver:
    """With a wait of a fifth of a second."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"answer_seconds": 0.2})

    def test_the_task_is_pending_and_goes_on(self, alice: Person, worker: Claims) -> None:
        response = ask(alice, ASKED)

        data = response.get_json()["data"]
        [claim] = worker.claim("gpu", lambda model: 1)
        assert (response.status_code, data["status"]) == (202, "pending")
        assert claim.public_id == data["taskId"]
        assert poll(alice, data["taskId"])["state"] == "processing"


def submitted(alice: Person, app: Flask, engine: Engine, body: dict[str, Any]) -> Task:
    with no_place(app):
        return row(engine, ask(alice, body).get_json()["data"]["taskId"])


def test_the_task_is_what_was_asked_for(alice: Person, app: Flask, engine: Engine) -> None:
    task = submitted(alice, app, engine, ASKED)

    assert (task.prompt, task.kind, task.model) == ("a sunset", "t2i", "darkroom-demo")
    assert (task.steps, task.seed) == (50, 12345)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, {"model": "darkroom-demo", "steps": 20}),
        ({"model": "test_model"}, {"model": "darkroom-demo"}),
        ({"model": "darkroom-demo"}, {"model": "darkroom-demo"}),
        ({"model": None}, {"model": "darkroom-demo"}),
        ({"seed": "77"}, {"seed": 77}),
        (
            {"width": 64, "height": 96, "guidance_scale": 3, "negative_prompt": "丑", "sampling_method": "Euler"},
            {"width": 64, "height": 96, "guidance_scale": 3, "negative_prompt": "丑", "sampling_method": "Euler"},
        ),
    ],
    ids=str,
)
def test_parameters_are_optional(alice: Person, app: Flask, engine: Engine, params: Any, expected: Any) -> None:
    parameters = submitted(alice, app, engine, {"prompt": "x", "params": params}).parameters

    assert {name: parameters[name] for name in expected} == expected


def test_a_prompt_alone_is_enough(alice: Person, app: Flask, engine: Engine) -> None:
    assert submitted(alice, app, engine, {"prompt": "一只😀猫"}).prompt == "一只😀猫"


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": "  "}, "prompt"),
        ({"prompt": "a\0b"}, "prompt"),
        ({"prompt": 1}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"prompt": "x" * 2001}, "prompt"),
        ({"prompt": "x" * 1_000_000}, "prompt"),
        ({"prompt": "x", "params": None}, "params"),
        ({"prompt": "x", "params": []}, "params"),
        ({"prompt": "x", "params": "steps"}, "params"),
        ({"prompt": "x", "params": {"model": "none"}}, "params.model"),
        ({"prompt": "x", "params": {"model": 1}}, "params.model"),
        ({"prompt": "x", "params": {"model": ["test_model"]}}, "params.model"),
        ({"prompt": "x", "params": {"model": {"test_model": 1}}}, "params.model"),
        ({"prompt": "x", "params": {"steps": 0}}, "params.steps"),
        ({"prompt": "x", "params": {"steps": 10**30}}, "params.steps"),
        ({"prompt": "x", "params": {"steps": "50"}}, "params.steps"),
        ({"prompt": "x", "params": {"steps": 1.5}}, "params.steps"),
        ({"prompt": "x", "params": {"steps": True}}, "params.steps"),
        ({"prompt": "x", "params": {"seed": -1}}, "params.seed"),
        ({"prompt": "x", "params": {"seed": "x"}}, "params.seed"),
        ({"prompt": "x", "params": {"seed": 2**64}}, "params.seed"),
        ({"prompt": "x", "params": {"width": 1}}, "params.width"),
        ({"prompt": "x", "params": {"surprise": 1}}, "params.surprise"),
        ({"prompt": "x", "surprise": 1}, "surprise"),
        ([], "body"),
        ("x", "body"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_bad_request_is_400_and_names_the_field(alice: Person, body: Any, name: str) -> None:
    response = ask(alice, body)

    assert refusal(response)[:2] == (400, name)
    assert response.get_json()["message"].startswith(f"请求参数不合规; {name}: ")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"data": b"{", "content_type": "application/json"}, (400, "", "malformed_body")),
        ({"data": b'"\\ud800"', "content_type": "application/json"}, (400, "", "malformed_body")),
        ({"data": b"prompt=x", "content_type": "text/plain"}, (415, "", "unsupported_media_type")),
        ({"data": b"x" * 2_000_000, "content_type": "application/json"}, (413, "", "too_large")),
    ],
    ids=["broken", "half a character", "text", "too large"],
)
def test_a_body_that_is_no_json_is_refused(alice: Person, options: Any, expected: Any) -> None:
    assert refusal(alice.call("POST", PATH, **options)) == expected
