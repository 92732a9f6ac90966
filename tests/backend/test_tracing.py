"""A request's id: whose it is, where it is told, and that it follows the task."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from backend import tracing
from tests.backend.conftest import Person
from tests.orders import row

Logged = Callable[[], list[dict[str, Any]]]

MADE = re.compile(r"[0-9a-f]{32}")
ORDER = {"type": "t2i", "prompt": "a red circle", "parameters": {}}


@pytest.fixture(scope="module")
def named() -> FlaskClient:
    """Of an application that does nothing but name its requests."""
    app = Flask(__name__)
    tracing.init_app(app)
    app.add_url_rule("/here", view_func=tracing.request_id)
    return app.test_client()


def asked(client: FlaskClient, name: str) -> str:
    return client.get("/here", headers={"X-Request-ID": name}).headers["X-Request-ID"]


@pytest.mark.parametrize("name", ["7", "a" * 64, "3f2c-9b.A_1:z", "1-67891233-abcdef012345678912345678", "AbC+/="])
def test_the_id_of_who_stands_before_the_service_is_kept(named: FlaskClient, name: str) -> None:
    assert asked(named, name) == name


@pytest.mark.parametrize("name", ["", "a" * 65, "a b", "a\tb", 'a"b', "a\u00e9", "{}", "<script>", "a;b", "\x7f"])
def test_what_is_no_id_is_replaced_by_one(named: FlaskClient, name: str) -> None:
    assert MADE.fullmatch(asked(named, name))


@pytest.mark.parametrize("path", ["/here", "/no/such/page"])
def test_every_answer_tells_an_id_of_its_own(named: FlaskClient, path: str) -> None:
    names = {named.get(path).headers["X-Request-ID"] for _ in range(2)}

    assert len(names) == 2


def test_a_task_keeps_the_id_of_the_request_that_queued_it(alice: Person, engine: Engine) -> None:
    answer = alice.call("POST", "/api/v1/generation", json=ORDER, headers={"X-Request-ID": "from-the-proxy"})

    assert row(engine, answer.get_json()["data"]["task_id"]).request_id == "from-the-proxy"


def test_a_task_that_is_tried_again_follows_the_later_request(alice: Person, engine: Engine) -> None:
    task = alice.call("POST", "/api/v1/generation", json=ORDER).get_json()["data"]["task_id"]
    alice.call("DELETE", f"/api/v1/generation/{task}")

    answer = alice.call("POST", f"/api/v1/generation/{task}/retry", headers={"X-Request-ID": "second"})

    assert (answer.status_code, row(engine, task).request_id) == (200, "second")


def test_the_log_tells_which_request_has_queued_which_task(alice: Person, logged: Logged) -> None:
    answer = alice.call("POST", "/api/v1/generation", json=ORDER, headers={"X-Request-ID": "first"})

    (said,) = logged()
    assert (said["event"], said["request_id"]) == ("task_queued", "first")
    assert said["task_id"] == answer.get_json()["data"]["task_id"]


def test_each_line_of_a_request_tells_its_id_and_the_task_of_its_path(app: Flask, logged: Logged) -> None:
    with app.test_request_context("/api/v1/generation/task_1", headers={"X-Request-ID": "first"}):
        app.preprocess_request()
        structlog.get_logger("test").warning("within")
    structlog.get_logger("test").warning("after")

    within, after = logged()
    assert (within["request_id"], within["task_id"]) == ("first", "task_1")
    assert not {"request_id", "task_id"} & after.keys()
