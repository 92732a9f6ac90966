"""What v1 refuses of who signs up, logs in or changes a password, and what odd things it takes, on both stacks."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from shared.models import User
from tests.backend.conftest import PASSWORD, Person, log_in

REGISTER, LOGIN, CHANGE = "/api/v1/auth/register", "/api/v1/auth/login", "/api/v1/user/reset-password"
CAROL = {"account": "carol", "email": "carol@example.com", "password": PASSWORD}
CREDENTIALS = {"account": "alice", "password": PASSWORD}
PASSWORDS = {"old_password": PASSWORD, "new_password": "User@5678"}
MEGABYTE = "x" * 1_000_000
NO_OBJECTS = [b"", b"{", b"[]", b"null", b"7", b'"text"', b"\xff\xfe", b'{"account":"\\ud800"}', b'{"account":' * 5000]
ONLY_SQLITE = pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # nothing of this reaches a database


def without(fields: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in fields.items() if key != name}


def assert_refused(response: TestResponse, field: str) -> None:
    body = response.get_json()
    assert (response.status_code, body["code"], body["data"]) == (400, 400, None)
    assert [problem["field"] for problem in body["error"]["fields"]] == [field]


def hashes(engine: Engine) -> list[str]:
    with Session(engine) as session:
        return list(session.scalars(select(User.password_hash)))


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("account", "ab"),
        ("account", "😀😀"),
        ("account", "a" * 65),
        ("account", MEGABYTE),
        ("account", "a@b.c"),
        ("account", "carol＠example.com"),
        ("account", "ﷺ" * 64),
        ("account", " carol"),
        ("account", "car\0ol"),
        ("account", "car\nol"),
        ("account", 7),
        ("account", None),
        ("email", "no address"),
        ("email", "a" * 250 + "@example.com"),
        ("email", f"{MEGABYTE}@example.com"),
        ("email", ["carol@example.com"]),
        ("password", "12345"),
        ("password", "😀" * 5),
        ("password", "x" * 129),
        ("password", MEGABYTE),
        ("password", 123456),
        ("captchaId", MEGABYTE),
        ("value", 7),
        ("nickname", "unknown field"),
    ],
)
def test_a_registration_that_is_not_valid_names_the_field(
    client: FlaskClient, engine: Engine, field: str, value: object
) -> None:
    assert_refused(client.post(REGISTER, json={**CAROL, field: value}), field)
    assert hashes(engine) == []


@ONLY_SQLITE
@pytest.mark.parametrize("field", CAROL)
def test_a_registration_without_a_field_names_it(client: FlaskClient, field: str) -> None:
    assert_refused(client.post(REGISTER, json=without(CAROL, field)), field)


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((field, value) for field in CREDENTIALS for value in ("", None, 7, True, ["alice"], {"$ne": ""}, MEGABYTE)),
        ("account", "a" * 255),
        ("password", "x" * 129),
        ("email", "alice@example.com"),
        ("role", "admin"),
    ],
)
@pytest.mark.usefixtures("alice")
def test_a_login_that_is_not_valid_names_the_field(client: FlaskClient, field: str, value: object) -> None:
    assert_refused(client.post(LOGIN, json={**CREDENTIALS, field: value}), field)


@ONLY_SQLITE
@pytest.mark.parametrize("field", CREDENTIALS)
def test_a_login_without_a_field_names_it(client: FlaskClient, field: str) -> None:
    assert_refused(client.post(LOGIN, json=without(CREDENTIALS, field)), field)


@pytest.mark.parametrize("account", ["al\0ice", "😀😀😀", "' OR 1=1 --", "alice\n", "𝕒𝕝𝕚𝕔𝕖𝕒", "%"])
@pytest.mark.usefixtures("alice")
def test_a_login_by_a_name_that_nobody_has_fails_like_any_other(client: FlaskClient, account: str) -> None:
    response = client.post(LOGIN, json={"account": account, "password": PASSWORD})

    assert (response.status_code, response.get_json()["error"]["code"]) == (401, "login_failed")


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((field, value) for field in PASSWORDS for value in ("", None, 7, True, [PASSWORD], {}, MEGABYTE)),
        ("old_password", "x" * 129),
        ("new_password", "12345"),
        ("new_password", "😀" * 5),
        ("new_password", "x" * 129),
        ("account", "bobby"),
    ],
)
def test_a_change_of_password_that_is_not_valid_names_the_field_and_changes_nothing(
    alice: Person, engine: Engine, field: str, value: object
) -> None:
    before = hashes(engine)

    assert_refused(alice.call("POST", CHANGE, json={**PASSWORDS, field: value}), field)
    assert hashes(engine) == before


@ONLY_SQLITE
@pytest.mark.parametrize("field", PASSWORDS)
def test_a_change_of_password_without_a_field_names_it(alice: Person, field: str) -> None:
    assert_refused(alice.call("POST", CHANGE, json=without(PASSWORDS, field)), field)


def test_the_same_change_of_password_twice_is_refused_as_the_token_has_ended(alice: Person) -> None:
    alice.call("POST", CHANGE, json=PASSWORDS)

    replayed = alice.call("POST", CHANGE, json=PASSWORDS)

    assert (replayed.status_code, replayed.get_json()["error"]["code"]) == (401, "token_revoked")


def test_names_and_passwords_may_have_any_printable_character(client: FlaskClient) -> None:
    odd: dict[str, Any] = {"account": "😀卡罗尔😀", "email": "carol@example.com", "password": "😀\0😀\n密码"}

    registered = client.post(REGISTER, json=odd).get_json()

    assert registered["data"]["account"] == odd["account"]
    assert log_in(client, odd["account"], odd["password"])


@ONLY_SQLITE
@pytest.mark.parametrize("path", [REGISTER, LOGIN, CHANGE])
@pytest.mark.parametrize("data", NO_OBJECTS, ids=range(len(NO_OBJECTS)))
def test_a_body_that_is_no_json_object_is_refused(alice: Person, path: str, data: bytes) -> None:
    response = alice.call("POST", path, data=data, content_type="application/json")

    assert (response.status_code, response.get_json()["code"]) == (400, 400)


@ONLY_SQLITE
@pytest.mark.parametrize("path", [REGISTER, LOGIN, CHANGE])
@pytest.mark.parametrize("body", [{"data": CREDENTIALS}, {"data": "{}", "content_type": "text/plain"}, {}], ids=str)
def test_a_body_of_another_type_is_refused(alice: Person, path: str, body: dict[str, Any]) -> None:
    response = alice.call("POST", path, **body)

    assert (response.status_code, response.get_json()["error"]["code"]) == (415, "unsupported_media_type")


@ONLY_SQLITE
@pytest.mark.parametrize("path", [REGISTER, LOGIN, CHANGE])
def test_a_body_that_is_too_large_is_refused(alice: Person, path: str) -> None:
    response = alice.call("POST", path, data=b" " * 2_000_000, content_type="application/json")

    assert (response.status_code, response.get_json()["error"]["code"]) == (413, "too_large")
