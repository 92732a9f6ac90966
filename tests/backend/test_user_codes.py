"""user's mailed codes and forgotten passwords, on both stacks."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from shared.models import VerificationCode
from tests.backend.conftest import PASSWORD, Person
from tests.backend.provider_keys import problem, reason
from tests.fakes.mailer import FakeMailer, wrong

SEND, VERIFY, RESET = "/auth/send-code", "/auth/verify-code", "/auth/reset-password"
NEW = "User@5678"
ALICE = "alice@example.com"
ONLY_SQLITE = pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # nothing of this reaches a database


@pytest.fixture
def mailer(app: Flask) -> FakeMailer:
    mailer = FakeMailer()
    object.__setattr__(app.extensions["darkroom"], "mailer", mailer)
    return mailer


def send(client: FlaskClient, code_type: str = "password_reset", **who: Any) -> TestResponse:
    return client.post(SEND, json={"code_type": code_type, **(who or {"username": "alice"})})


def verify(client: FlaskClient, code: str, code_type: str = "password_reset", **who: Any) -> TestResponse:
    return client.post(VERIFY, json={"code": code, "code_type": code_type, **(who or {"username": "alice"})})


def reset(client: FlaskClient, code: str, new: str = NEW, **who: Any) -> TestResponse:
    return client.post(RESET, json={"code": code, "new_password": new, **(who or {"username": "alice"})})


def logs_in(client: FlaskClient, password: str) -> bool:
    body = {"username": "alice", "password": password}
    return client.post("/login", json=body).status_code == 200


@pytest.mark.parametrize("who", [{"username": "alice"}, {"username": "ＡLICE"}, {"email": "Alice@example.com"}])
@pytest.mark.parametrize("code_type", ["password_reset", "email_change"])
def test_a_code_goes_to_the_accounts_address(
    alice: Person, mailer: FakeMailer, who: dict[str, str], code_type: str
) -> None:
    response = send(alice.client, code_type, **who)

    assert response.get_json() == {"code": 200, "msg": "验证码已发送", "data": None}
    assert [mail.to for mail in mailer.sent] == [ALICE]
    assert mailer.code not in response.text


def test_a_code_for_signing_up_goes_to_an_address_without_account(client: FlaskClient, mailer: FakeMailer) -> None:
    response = send(client, "register", email="New@example.com")

    assert response.status_code == 200
    assert [mail.to for mail in mailer.sent] == ["new@example.com"]
    assert verify(client, mailer.code, "register", email="NEW@example.com").status_code == 200


def test_no_code_for_signing_up_goes_to_an_account(alice: Person, mailer: FakeMailer) -> None:
    response = send(alice.client, "register", email=ALICE)

    assert reason(response) == (409, "email_taken")
    assert mailer.sent == []


@pytest.mark.parametrize("name", ["carol", "alice"])
def test_a_code_for_signing_up_needs_an_address(alice: Person, mailer: FakeMailer, name: str) -> None:
    assert problem(send(alice.client, "register", username=name)) == (400, "email", "missing")
    assert mailer.sent == []


@pytest.mark.parametrize(
    ("who", "code", "text"),
    [
        ({"username": "nobody"}, "account_unknown", "用户不存在"),
        ({"username": "no\0body"}, "account_unknown", "用户不存在"),
        ({"username": "😀😀😀"}, "account_unknown", "用户不存在"),
        ({"username": "'; DROP TABLE users; --"}, "account_unknown", "用户不存在"),
        ({"email": "nobody@example.com"}, "email_unknown", "邮箱未注册"),
    ],
)
def test_a_code_for_nobody_is_refused(
    alice: Person, mailer: FakeMailer, who: dict[str, str], code: str, text: str
) -> None:
    response = send(alice.client, **who)

    assert (*reason(response), response.get_json()["msg"]) == (404, code, text)
    assert mailer.sent == []


def test_a_mail_that_cannot_be_sent_is_told(alice: Person, mailer: FakeMailer) -> None:
    mailer.away = True

    assert reason(send(alice.client)) == (500, "mail_failed")


def test_a_right_code_is_right_until_it_is_spent(alice: Person, mailer: FakeMailer) -> None:
    send(alice.client)

    answers = [verify(alice.client, mailer.code).get_json() for _ in range(2)]

    assert answers == [{"code": 200, "msg": "验证码正确", "data": None}] * 2
    assert reset(alice.client, mailer.code).status_code == 200
    assert reason(verify(alice.client, mailer.code)) == (403, "code_wrong")


def test_a_code_has_five_attempts_in_all(alice: Person, mailer: FakeMailer) -> None:
    send(alice.client)

    wrongs = {reason(verify(alice.client, wrong(mailer.code))) for _ in range(5)}

    assert wrongs == {(403, "code_wrong")}
    assert reason(verify(alice.client, mailer.code)) == (403, "code_wrong")
    assert reason(reset(alice.client, mailer.code)) == (403, "code_wrong")


@pytest.mark.parametrize("code_type", ["register", "email_change"])
def test_a_code_is_good_for_its_own_purpose_only(alice: Person, mailer: FakeMailer, code_type: str) -> None:
    send(alice.client)

    assert reason(verify(alice.client, mailer.code, code_type, email=ALICE)) == (403, "code_wrong")


def test_a_code_is_good_for_its_own_user_only(alice: Person, bob: Person, mailer: FakeMailer) -> None:
    send(alice.client)

    assert reason(verify(alice.client, mailer.code, username="bobby")) == (403, "code_wrong")
    assert reason(reset(alice.client, mailer.code, username="bobby")) == (403, "code_wrong")


@pytest.mark.parametrize("who", [{"username": "nobody"}, {"email": "nobody@example.com"}, {"username": "no\0body"}])
def test_a_guess_for_nobody_looks_like_a_wrong_code(alice: Person, mailer: FakeMailer, who: dict[str, str]) -> None:
    send(alice.client)

    assert verify(alice.client, "123456", **who).data == verify(alice.client, wrong(mailer.code)).data
    assert reset(alice.client, "123456", **who).data == reset(alice.client, wrong(mailer.code)).data


@pytest.mark.parametrize("who", [{"username": "alice"}, {"email": ALICE}])
def test_a_code_replaces_the_password_once(alice: Person, mailer: FakeMailer, who: dict[str, str]) -> None:
    send(alice.client, **who)

    response = reset(alice.client, mailer.code, **who)

    assert response.get_json() == {"code": 200, "msg": "成功重置密码", "data": None}
    assert reason(reset(alice.client, mailer.code, "Other@1234")) == (403, "code_wrong")
    assert (logs_in(alice.client, NEW), logs_in(alice.client, PASSWORD)) == (True, False)


def test_a_reset_password_ends_all_tokens(alice: Person, mailer: FakeMailer) -> None:
    send(alice.client)
    reset(alice.client, mailer.code)

    assert reason(alice.call("GET", "/me")) == (401, "token_revoked")


def test_the_database_has_no_code(alice: Person, mailer: FakeMailer, engine: Engine) -> None:
    send(alice.client)

    with Session(engine) as session:
        [kept] = session.scalars(select(VerificationCode)).all()
    assert mailer.code not in str(vars(kept))


class TestLimited:
    """With limits on."""

    @pytest.fixture
    def limits(self) -> bool:
        return True

    def test_an_address_gets_one_code_a_minute(self, alice: Person, mailer: FakeMailer) -> None:
        send(alice.client)

        response = send(alice.client, "email_change", email=ALICE)

        assert reason(response) == (429, "too_many_requests")
        assert 0 < int(response.headers["Retry-After"]) <= 60
        assert len(mailer.sent) == 1


GOOD = {
    SEND: {"username": "alice", "code_type": "password_reset"},
    VERIFY: {"username": "alice", "code_type": "password_reset", "code": "123456"},
    RESET: {"username": "alice", "code": "123456", "new_password": NEW},
}
WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    *((path, {"username": ...}, "body", "exactly_one") for path in GOOD),
    *((path, {"email": ALICE}, "body", "exactly_one") for path in GOOD),
    *((path, {"username": None}, "username", "string_type") for path in GOOD),
    *((path, {"username": 7}, "username", "string_type") for path in GOOD),
    *((path, {"username": ""}, "username", "string_too_short") for path in GOOD),
    *((path, {"username": "x" * 900_000}, "username", "string_too_long") for path in GOOD),
    *((path, {"username": ..., "email": "alice"}, "email", "bad_email") for path in GOOD),
    *((path, {"username": ..., "email": ""}, "email", "bad_email") for path in GOOD),
    *((path, {"username": ..., "email": None}, "email", "string_type") for path in GOOD),
    *((path, {"id": 1}, "id", "extra_forbidden") for path in GOOD),
    (SEND, {"code_type": ...}, "code_type", "missing"),
    (SEND, {"code_type": "login"}, "code_type", "enum"),
    (SEND, {"code_type": None}, "code_type", "enum"),
    (VERIFY, {"code_type": ["register"]}, "code_type", "enum"),
    (VERIFY, {"code": ...}, "code", "missing"),
    (VERIFY, {"code": 123456}, "code", "string_type"),
    (VERIFY, {"code": ""}, "code", "string_too_short"),
    (VERIFY, {"code": "1" * 65}, "code", "string_too_long"),
    (RESET, {"code": ...}, "code", "missing"),
    (RESET, {"new_password": ...}, "new_password", "missing"),
    (RESET, {"new_password": "12345"}, "new_password", "string_too_short"),
    (RESET, {"new_password": "x" * 129}, "new_password", "string_too_long"),
    (RESET, {"new_password": None}, "new_password", "string_type"),
]


@ONLY_SQLITE
@pytest.mark.parametrize(("path", "changes", "field", "code"), WRONG)
def test_bad_input_names_the_field(
    client: FlaskClient, mailer: FakeMailer, path: str, changes: dict[str, Any], field: str, code: str
) -> None:
    body = {name: value for name, value in {**GOOD[path], **changes}.items() if value is not ...}

    response = client.post(path, json=body)

    assert problem(response) == (400, field, code)
    assert (response.get_json()["msg"], response.get_json()["error"]) == ("请求数据格式错误", "Invalid request")
    assert mailer.sent == []


@ONLY_SQLITE
@pytest.mark.parametrize("path", [SEND, VERIFY, RESET, "/update-password"])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"7", b'"text"', b"\xff\xfe", b'{"email":' * 5000])
def test_a_body_that_is_no_object_is_refused(alice: Person, path: str, body: bytes) -> None:
    assert alice.call("POST", path, data=body, content_type="application/json").status_code == 400


@pytest.mark.parametrize("code", ["😀", "\0", "１２３４５６", "' OR 1=1 --"])
def test_a_strange_code_is_a_wrong_code(alice: Person, mailer: FakeMailer, code: str) -> None:
    send(alice.client)

    assert reason(verify(alice.client, code)) == (403, "code_wrong")
    assert reason(reset(alice.client, code)) == (403, "code_wrong")
