"""user's profile, password and logout, on both stacks."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, update

from shared import clock, db
from shared.models import User
from tests.backend.conftest import PASSWORD, Person
from tests.backend.provider_keys import problem, reason

PROFILES = pytest.mark.parametrize("path", ["/profile", "/me"])
METHODS = pytest.mark.parametrize("method", ["POST", "PUT"])
ONLY_SQLITE = pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # nothing of this reaches a database
NEW = "User@5678"


def log_in(client: FlaskClient, password: str = PASSWORD) -> str | None:
    """A token through the contract's own login, None where it is refused."""
    data = client.post("/login", json={"username": "alice", "password": password}).get_json()["data"]
    return data["token"] if data else None


def change(person: Person, old: Any = PASSWORD, new: Any = NEW, method: str = "POST") -> Any:
    return person.call(method, "/update-password", json={"old_password": old, "new_password": new})


@PROFILES
def test_users_see_their_own_facts(alice: Person, bob: Person, path: str) -> None:
    body = alice.call("GET", path).get_json()

    data = body["data"]
    assert (body["code"], body["msg"]) == (200, "成功")
    assert data == {
        "id": data["id"],
        "username": "alice",
        "email": "alice@example.com",
        "avatarUrl": None,
        "last_login": None,
        "created_at": data["created_at"],
    }
    assert datetime.now(UTC) - datetime.fromisoformat(data["created_at"]) < timedelta(minutes=5)
    assert bob.call("GET", path).get_json()["data"]["username"] == "bobby"


@PROFILES
def test_the_last_login_is_told(alice: Person, path: str) -> None:
    log_in(alice.client)

    told = alice.call("GET", path).get_json()["data"]["last_login"]

    assert datetime.now(UTC) - datetime.fromisoformat(told) < timedelta(minutes=5)


@PROFILES
def test_the_avatar_is_told(alice: Person, engine: Engine, path: str) -> None:
    with db.write(engine) as connection:
        connection.execute(update(User).values(avatar_url="https://pictures.example/圆.png"))

    assert alice.call("GET", path).get_json()["data"]["avatarUrl"] == "https://pictures.example/圆.png"


@PROFILES
@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", ""])
def test_the_token_may_come_bare(alice: Person, path: str, scheme: str) -> None:
    response = alice.client.get(path, headers={"Authorization": scheme + alice.token})

    assert response.status_code == 200


@pytest.mark.parametrize(
    ("headers", "text"),
    [({}, "请求头中缺少Token"), ({"Authorization": "Bearer forged"}, "无效的Token")],
    ids=["no token", "forged token"],
)
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/profile"), ("GET", "/me"), ("PUT", "/update-password"), ("GET", "/apis")]
)
def test_without_a_token_nothing_is_told(
    client: FlaskClient, headers: dict[str, str], text: str, method: str, path: str
) -> None:
    response = client.open(path, method=method, headers=headers, json={})

    assert response.status_code == response.get_json()["code"] == 401
    assert response.get_json()["msg"] == text


def test_a_logout_ends_the_token(alice: Person) -> None:
    response = alice.call("POST", "/logout")

    assert response.get_json() == {"code": 200, "msg": "退出成功", "data": None}
    assert reason(alice.call("GET", "/me")) == (401, "token_revoked")


def test_a_logout_leaves_other_tokens(alice: Person) -> None:
    other = log_in(alice.client)

    alice.call("POST", "/logout")

    assert alice.client.get("/me", headers={"Authorization": f"Bearer {other}"}).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer forged"}], ids=["no token", "forged token"])
def test_who_has_no_token_is_logged_out_already(client: FlaskClient, headers: dict[str, str]) -> None:
    assert client.post("/logout", headers=headers).get_json()["msg"] == "退出成功"


def test_a_second_logout_changes_nothing(alice: Person) -> None:
    alice.call("POST", "/logout")

    assert alice.call("POST", "/logout").status_code == 200
    assert reason(alice.call("GET", "/me")) == (401, "token_revoked")


@METHODS
def test_the_password_is_changed_by_the_old_one(alice: Person, method: str) -> None:
    response = change(alice, method=method)

    assert response.get_json() == {"code": 200, "msg": "成功修改密码", "data": None}
    assert log_in(alice.client, NEW)
    assert log_in(alice.client, PASSWORD) is None


@METHODS
def test_a_changed_password_ends_all_tokens(alice: Person, method: str) -> None:
    change(alice, method=method)

    assert reason(alice.call("GET", "/me")) == (401, "token_revoked")


@METHODS
def test_a_wrong_old_password_changes_nothing(alice: Person, method: str) -> None:
    response = change(alice, old="User@0000", method=method)

    assert (*reason(response), response.get_json()["msg"]) == (403, "wrong_password", "旧密码不正确")
    assert alice.call("GET", "/me").status_code == 200
    assert log_in(alice.client)


@pytest.mark.parametrize("new", ["密码😀密码😀", "x" * 128, " spaces ", "nul\0nul"])
def test_a_password_may_have_any_characters(alice: Person, new: str) -> None:
    assert change(alice, new=new).status_code == 200
    assert log_in(alice.client, new)


@ONLY_SQLITE
@METHODS
@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("old_password", ..., "missing"),
        ("old_password", None, "string_type"),
        ("old_password", "", "string_too_short"),
        ("old_password", "x" * 900_000, "string_too_long"),
        ("new_password", ..., "missing"),
        ("new_password", 123456, "string_type"),
        ("new_password", "12345", "string_too_short"),
        ("new_password", "x" * 129, "string_too_long"),
        ("user_id", 1, "extra_forbidden"),
    ],
)
def test_bad_input_names_the_field(alice: Person, method: str, field: str, value: Any, code: str) -> None:
    body = {"old_password": PASSWORD, "new_password": NEW, field: value}

    response = alice.call(method, "/update-password", json={k: v for k, v in body.items() if v is not ...})

    assert problem(response) == (400, field, code)
    assert alice.call("GET", "/me").status_code == 200


@ONLY_SQLITE
def test_messages_are_english_on_request(alice: Person) -> None:
    english = {"Accept-Language": "en"}

    assert alice.call("GET", "/me", headers=english).get_json()["msg"] == "OK"
    assert alice.call("POST", "/logout", headers=english).get_json()["msg"] == "Logged out"


def test_times_are_utc(alice: Person, engine: Engine) -> None:
    moment = clock.now().replace(year=2025, month=11, day=4, hour=17, minute=0, second=0, microsecond=0)
    with db.write(engine) as connection:
        connection.execute(update(User).values(created_at=moment, last_login_at=moment))

    data = alice.call("GET", "/profile").get_json()["data"]

    assert (data["created_at"], data["last_login"]) == ("2025-11-04T17:00:00Z", "2025-11-04T17:00:00Z")
