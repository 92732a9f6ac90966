"""v1's accounts and tokens, on both stacks."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from shared.settings import Settings
from tests.backend.conftest import PASSWORD, Person, log_in

REGISTER, LOGIN, TASK = "/api/v1/auth/register", "/api/v1/auth/login", "/api/v1/generation/task_1"
CAROL = {"account": "carol", "email": "carol@example.com", "password": PASSWORD}


def test_signing_up_answers_as_documented(client: FlaskClient) -> None:
    body = client.post(REGISTER, json=CAROL).get_json()

    assert (body["code"], body["message"]) == (200, "注册成功")
    assert set(body["data"]) == {"account", "email", "created_at"}
    assert datetime.strptime(body["data"]["created_at"], "%Y-%m-%dT%H:%M:%SZ")


def test_logging_in_answers_as_documented(client: FlaskClient, settings: Settings) -> None:
    client.post(REGISTER, json=CAROL)

    body = client.post(LOGIN, json={"account": "carol", "password": PASSWORD}).get_json()

    ends = datetime.strptime(body["data"]["token_expire_at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert (body["code"], body["message"]) == (200, "登录成功")
    assert set(body["data"]) == {"account", "email", "token", "token_expire_at"}
    assert abs(ends - datetime.now(UTC) - timedelta(hours=settings.token_hours)) < timedelta(minutes=1)


@pytest.mark.parametrize("name", ["carol", "CAROL", "carol@example.com", "Carol@Example.com"])
def test_one_logs_in_by_name_or_address(client: FlaskClient, name: str) -> None:
    client.post(REGISTER, json=CAROL)

    assert client.post(LOGIN, json={"account": name, "password": PASSWORD}).status_code == 200


@pytest.mark.parametrize("account", ["carol", "Carol", "ｃａｒｏｌ"])
def test_a_taken_name_is_a_conflict_with_the_documented_code(client: FlaskClient, account: str) -> None:
    client.post(REGISTER, json=CAROL)

    response = client.post(REGISTER, json={**CAROL, "account": account, "email": "other@example.com"})

    body = response.get_json()
    assert (response.status_code, body["code"], body["error"]["code"]) == (409, 401, "account_taken")


def test_a_taken_address_is_a_conflict_with_the_documented_code(client: FlaskClient) -> None:
    client.post(REGISTER, json=CAROL)

    response = client.post(REGISTER, json={**CAROL, "account": "dave", "email": "CAROL@example.com"})

    assert (response.status_code, response.get_json()["code"]) == (409, 402)


@pytest.mark.parametrize("credentials", [("carol", "wrong-password"), ("nobody", PASSWORD)])
def test_a_failed_login_does_not_say_which_part_was_wrong(client: FlaskClient, credentials: tuple[str, str]) -> None:
    client.post(REGISTER, json=CAROL)

    response = client.post(LOGIN, json=dict(zip(("account", "password"), credentials, strict=True)))

    body = response.get_json()
    assert (response.status_code, body["code"], body["message"]) == (401, 401, "账号或密码错误")


def test_messages_are_english_on_request(client: FlaskClient) -> None:
    response = client.post(REGISTER, json=CAROL, headers={"Accept-Language": "en-US,en;q=0.9,zh;q=0.5"})

    assert response.get_json()["message"] == "Registered"


def test_a_request_without_a_token_is_refused(client: FlaskClient) -> None:
    response = client.get(TASK)

    assert (response.status_code, response.get_json()["error"]["code"]) == (401, "token_missing")
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer x", "Bearer a.b.c", "Basic abc", "Bearer \xff\xfe", "token"]
)
def test_a_header_that_holds_no_token_is_refused(client: FlaskClient, header: str) -> None:
    response = client.get(TASK, headers={"Authorization": header})

    assert response.status_code == 401
    assert response.get_json()["error"]["code"] in {"token_missing", "token_invalid"}


def forged(app: Flask, key: str | None = None, algorithm: str = "HS256", **claims: object) -> str:
    now = datetime.now(UTC)
    body = {"sub": "1", "ver": 0, "jti": "x", "type": "access", "fresh": False, "iat": now, "nbf": now}
    return jwt.encode(
        {**body, "exp": now + timedelta(hours=1), **claims}, key or app.config["JWT_SECRET_KEY"], algorithm
    )


def test_a_forged_token_is_refused(app: Flask, alice: Person) -> None:
    response = alice.client.get(TASK, headers={"Authorization": f"Bearer {forged(app, key='k' * 64)}"})

    assert (response.status_code, response.get_json()["error"]["code"]) == (401, "token_invalid")


def test_an_unsigned_token_is_refused(app: Flask, alice: Person) -> None:
    unsigned = jwt.encode({"sub": "1", "ver": 0, "jti": "x", "type": "access"}, None, "none")

    response = alice.client.get(TASK, headers={"Authorization": f"Bearer {unsigned}"})

    assert (response.status_code, response.get_json()["error"]["code"]) == (401, "token_invalid")


def test_an_expired_token_says_so(app: Flask, alice: Person) -> None:
    expired = forged(app, exp=datetime.now(UTC) - timedelta(seconds=1))

    response = alice.client.get(TASK, headers={"Authorization": f"Bearer {expired}"})

    assert (response.status_code, response.get_json()["error"]["code"]) == (401, "token_expired")


@pytest.mark.parametrize("claims", [{"sub": "x"}, {"sub": "999999"}, {"ver": "a"}, {"ver": 9}, {"type": "refresh"}])
def test_a_token_whose_claims_do_not_hold_is_refused(app: Flask, alice: Person, claims: dict[str, object]) -> None:
    response = alice.client.get(TASK, headers={"Authorization": f"Bearer {forged(app, **claims)}"})

    assert response.status_code == 401


def test_a_logout_ends_just_this_token(alice: Person) -> None:
    other = Person(alice.client, "alice", log_in(alice.client, "alice"))

    assert alice.call("POST", "/api/v1/auth/logout").status_code == 200
    assert alice.call("GET", TASK).get_json()["error"]["code"] == "token_revoked"
    assert other.call("GET", TASK).status_code == 404


def test_a_changed_password_ends_all_tokens(alice: Person, bob: Person) -> None:
    change = {"old_password": PASSWORD, "new_password": "User@5678"}

    body = alice.call("POST", "/api/v1/user/reset-password", json=change).get_json()

    assert (body["code"], body["message"]) == (200, "成功修改密码")
    assert alice.call("GET", TASK).status_code == 401
    assert bob.call("GET", TASK).status_code == 404
    assert log_in(alice.client, "alice", "User@5678")


def test_a_wrong_old_password_does_not_look_like_a_lost_login(alice: Person) -> None:
    change = {"old_password": "wrong", "new_password": "User@5678"}

    response = alice.call("POST", "/api/v1/user/reset-password", json=change)

    assert (response.status_code, response.get_json()["code"]) == (403, 401)
    assert alice.call("GET", TASK).status_code == 404


def test_passwords_are_kept_only_as_hashes(engine: Engine, sign_up: Callable[[str], Person]) -> None:
    sign_up("carol")

    with engine.connect() as connection:
        kept = connection.execute(text("SELECT password_hash FROM users")).scalar_one()
    assert kept.startswith("scrypt:")
    assert PASSWORD not in kept
