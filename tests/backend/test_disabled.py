"""Who was disabled by an administrator: what each contract says at the login, and what counts no more."""

from collections.abc import Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from shared import clock
from tests.backend.admin import change, refused
from tests.backend.conftest import PASSWORD, Person, log_in

V1 = ("/api/v1/auth/login", "account")
IMAGE = ("/api/auth/login", "username")
ROOT = ("/login", "username")


@pytest.fixture
def shut_out(alice: Person, engine: Engine) -> Person:
    change(engine, alice, disabled_at=clock.now())
    return alice


@pytest.mark.parametrize(
    ("route", "said"),
    [
        (V1, {"code": 403, "message": "This account was disabled by an administrator"}),
        (IMAGE, {"status": "error", "message": "This account was disabled by an administrator"}),
        (ROOT, {"code": 403, "error": "This account was disabled by an administrator", "reason": "account_disabled"}),
    ],
    ids=["v1", "image", "root"],
)
def test_the_right_password_is_told_that_the_account_is_disabled(
    client: FlaskClient, shut_out: Person, route: tuple[str, str], said: Mapping[str, Any]
) -> None:
    path, field = route

    response = client.post(path, json={field: "alice", "password": PASSWORD}, headers={"Accept-Language": "en"})

    assert response.status_code == 403
    assert {name: response.get_json()[name] for name in said} == said


@pytest.mark.parametrize("route", [V1, IMAGE, ROOT], ids=["v1", "image", "root"])
def test_a_wrong_password_learns_nothing_of_it(client: FlaskClient, shut_out: Person, route: tuple[str, str]) -> None:
    path, field = route

    response = client.post(path, json={field: "alice", "password": "wrong one"})

    assert response.status_code == 401
    assert "停用" not in response.text


@pytest.mark.parametrize("path", ["/api/v1/models", "/api/v1/generation/task_1", "/me", "/api/auth/profile"])
def test_no_contract_takes_a_token_of_theirs(shut_out: Person, path: str) -> None:
    assert shut_out.call("GET", path).status_code == 401


def test_a_mailed_code_does_not_open_the_account_again(
    client: FlaskClient, shut_out: Person, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    client.post("/api/v1/auth/forgot-password", json={"email": "alice@example.com"})
    code = capsys.readouterr().out.split("code=")[1][:6]
    reset = {"email": "alice@example.com", "verification_code": code, "new_password": "my very own"}

    response = client.post("/api/v1/auth/reset-password", json=reset)
    login = client.post("/api/v1/auth/login", json={"account": "alice", "password": "my very own"})

    assert response.status_code == 200
    assert refused(login) == (403, "account_disabled")


def test_a_login_by_a_one_time_password_counts_once_even_if_two_come_together(
    client: FlaskClient, alice: Person, engine: Engine
) -> None:
    change(engine, alice, logins_left=1)

    assert log_in(client, "alice")
    assert client.post("/api/v1/auth/login", json={"account": "alice", "password": PASSWORD}).status_code == 401
