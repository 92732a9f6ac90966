"""v1's better prompts, on both stacks."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import QueuePool
from werkzeug.test import TestResponse

from backend.database import sql
from shared.room import Room
from tests.backend.conftest import Person
from tests.backend.provider_keys import created, problem, reason
from tests.fakes.provider import CHAT, KEY, Answer, FakeProvider, chat, flood, hang_up, redirect, silence, status

ENHANCE = "/api/v1/prompts/enhance"
ONLY_SQLITE = pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # nothing of this reaches a database


def enhance(person: Person, **body: Any) -> TestResponse:
    given = {"prompt": "a red circle", **body}
    return person.call("POST", ENHANCE, json={name: value for name, value in given.items() if value is not ...})


def test_the_first_provider_improves_a_prompt(alice: Person, fake: FakeProvider) -> None:
    created(alice, fake)
    created(alice, fake, api_name="second")
    fake.answers[CHAT] = chat(" 夜里的红色圆形 😀\n")

    body = enhance(alice).get_json()

    assert body == {
        "code": 200,
        "message": "成功",
        "data": {"prompt": "夜里的红色圆形 😀", "original": "a red circle", "api_name": "mine"},
    }


def test_the_chosen_providers_model_is_asked(alice: Person, fake: FakeProvider) -> None:
    created(alice, fake)
    created(alice, fake, api_name="图 😀", model_name="deepseek-chat")

    data = enhance(alice, api_name="图 😀").get_json()["data"]

    [heard] = fake.heard
    assert data["api_name"] == "图 😀"
    assert heard.body["model"] == "deepseek-chat"
    assert heard.body["messages"][1] == {"role": "user", "content": "a red circle"}


@pytest.mark.parametrize(
    ("language", "wish"),
    [("zh", "in Chinese"), ("en", "in English"), (None, "the user's language"), (..., "the user's")],
)
def test_the_language_may_be_chosen(alice: Person, fake: FakeProvider, language: Any, wish: str) -> None:
    created(alice, fake)

    assert enhance(alice, language=language).status_code == 200
    assert wish in fake.heard[0].body["messages"][0]["content"]


def test_what_the_model_writes_is_bounded(app: Flask, alice: Person, fake: FakeProvider) -> None:
    created(alice, fake)
    fake.answers[CHAT] = chat("😀" * 100_000)

    assert enhance(alice).get_json()["data"]["prompt"] == "😀" * app.extensions["darkroom"].settings.prompt_max_length


def test_an_improved_prompt_can_be_submitted(alice: Person, fake: FakeProvider) -> None:
    created(alice, fake)
    fake.answers[CHAT] = chat("x" * 5000)

    assert alice.submit(prompt=enhance(alice).get_json()["data"]["prompt"]).status_code == 200


def test_without_a_provider_the_field_is_named(alice: Person, bob: Person, fake: FakeProvider) -> None:
    created(bob, fake)

    assert problem(enhance(alice)) == (400, "api_name", "unknown_provider")
    assert problem(enhance(alice, api_name="mine")) == (400, "api_name", "unknown_provider")
    assert fake.heard == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (status(401), "provider_unauthorised"),
        (status(429), "provider_limited"),
        (status(500), "provider_unavailable"),
        (hang_up, "provider_unavailable"),
        (status(400), "provider_rejected"),
        (redirect("http://169.254.169.254/"), "provider_refused"),
        (chat(""), "provider_garbage"),
        (chat(" \n "), "provider_garbage"),
        (flood, "provider_garbage"),
    ],
    ids=["401", "429", "500", "no answer", "400", "redirect", "empty", "blank", "endless"],
)
def test_a_failure_of_the_provider_is_told(alice: Person, fake: FakeProvider, answer: Answer, expected: str) -> None:
    created(alice, fake)
    fake.answers[CHAT] = answer

    response = enhance(alice)

    assert reason(response) == (502, expected)
    assert KEY not in response.text


def test_a_slow_provider_is_given_up(app: Flask, alice: Person, fake: FakeProvider) -> None:
    created(alice, fake)
    fake.answers[CHAT] = silence
    hurried = app.extensions["darkroom"].settings.model_copy(update={"provider_seconds": 0.2})
    object.__setattr__(app.extensions["darkroom"], "settings", hurried)

    assert reason(enhance(alice)) == (502, "provider_timeout")


def test_slow_providers_cannot_take_all_threads(app: Flask, alice: Person, fake: FakeProvider) -> None:
    created(alice, fake)
    room = Room(1, 0.01)
    object.__setattr__(app.extensions["darkroom"], "provider_room", room)

    with room.place():
        assert reason(enhance(alice)) == (503, "unavailable")
    assert enhance(alice).status_code == 200


def test_no_database_connection_is_held_meanwhile(app: Flask, alice: Person, fake: FakeProvider) -> None:
    created(alice, fake)
    held: list[int] = []
    with app.app_context():
        pool = sql.engine.pool
    assert isinstance(pool, QueuePool)
    good = fake.answers[CHAT]
    fake.answers[CHAT] = lambda visitor: (held.append(pool.checkedout()), good(visitor))[1]

    assert enhance(alice).status_code == 200
    assert held == [0]


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("prompt", ..., "missing"),
        ("prompt", None, "string_type"),
        ("prompt", 7, "string_type"),
        ("prompt", "", "string_too_short"),
        ("prompt", " \n", "blank"),
        ("prompt", "a\0b", "nul"),
        ("prompt", "x" * 2001, "string_too_long"),
        ("prompt", "x" * 900_000, "string_too_long"),
        ("api_name", 7, "string_type"),
        ("api_name", "", "string_too_short"),
        ("api_name", "x" * 101, "string_too_long"),
        ("api_name", "a/b", "bad_name"),
        ("api_name", "nothing", "unknown_provider"),
        ("api_name", "MINE", "unknown_provider"),
        ("language", "fr", "literal_error"),
        ("language", 7, "literal_error"),
        ("model", "x", "extra_forbidden"),
    ],
)
def test_bad_input_names_the_field(alice: Person, fake: FakeProvider, field: str, value: Any, code: str) -> None:
    created(alice, fake)

    assert problem(enhance(alice, **{field: value})) == (400, field, code)
    assert fake.heard == []
