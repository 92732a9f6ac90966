"""v1's way back to an account whose password is forgotten, on both stacks."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, delete
from sqlalchemy.orm import Session
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from backend.resources import Resources
from shared import db
from shared.models import User, VerificationCode
from shared.settings import Settings
from tests.backend.conftest import PASSWORD, Person, log_in
from tests.fakes.mailer import FakeMailer, wrong
from tests.fakes.smtp import Sink

FORGOT, RESET, LOGIN = "/api/v1/auth/forgot-password", "/api/v1/auth/reset-password", "/api/v1/auth/login"
TASK = "/api/v1/generation/task_1"
ALICE = "alice@example.com"
NEW = "User@5678"
ONLY_SQLITE = pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # nothing of this reaches a database
NOT_JSON_OBJECTS = [b"", b"{", b"[]", b"null", b"7", b'"text"', b"\xff\xfe", b'{"email":' * 5000]


@pytest.fixture
def mailer(app: Flask) -> FakeMailer:
    mailer = FakeMailer()
    _replace(app, mailer)
    return mailer


def _replace(app: Flask, mailer: object) -> None:
    object.__setattr__(app.extensions["darkroom"], "mailer", mailer)


def forget(person: Person, email: object = ALICE, **options: Any) -> TestResponse:
    return person.client.post(FORGOT, json={"email": email}, **options)


def reset(person: Person, code: object, email: object = ALICE, new: object = NEW) -> TestResponse:
    body = {"email": email, "verification_code": code, "new_password": new}
    return person.client.post(RESET, json=body)


def logs_in(person: Person, password: str) -> bool:
    return person.client.post(LOGIN, json={"account": person.account, "password": password}).status_code == 200


def refused(response: TestResponse) -> tuple[int, int, str]:
    body = response.get_json()
    return response.status_code, body["code"], body["error"]["code"]


def test_asking_for_a_mail_answers_as_documented(alice: Person, mailer: FakeMailer) -> None:
    response = forget(alice)

    assert response.get_json() == {"code": 200, "message": "邮件已发送", "data": None}
    assert [mail.to for mail in mailer.sent] == [ALICE]


def test_the_address_is_known_in_any_case(alice: Person, mailer: FakeMailer) -> None:
    forget(alice, "Alice@Example.COM")

    assert reset(alice, mailer.code, "ALICE@example.com").status_code == 200
    assert mailer.sent[0].to == ALICE


def test_an_address_that_is_not_registered_gets_no_mail(alice: Person, mailer: FakeMailer) -> None:
    response = forget(alice, "nobody@example.com")

    assert refused(response) == (404, 401, "email_unknown")
    assert response.get_json()["message"] == "邮箱未注册"
    assert mailer.sent == []


@pytest.mark.parametrize("limits", [True])
def test_whoever_asks_twice_in_a_minute_is_told_when_to_ask_again(alice: Person, mailer: FakeMailer) -> None:
    forget(alice)

    response = forget(alice)

    assert refused(response) == (429, 429, "too_many_requests")
    assert 50 <= int(response.headers["Retry-After"]) <= 60
    assert len(mailer.sent) == 1


def test_with_limits_off_one_may_ask_at_any_time(alice: Person, mailer: FakeMailer) -> None:
    answers = [forget(alice).status_code for _ in range(3)]

    assert answers == [200, 200, 200]
    assert len(mailer.sent) == 3


def test_a_mail_that_cannot_be_sent_is_the_documented_failure(alice: Person, mailer: FakeMailer) -> None:
    mailer.away = True

    response = forget(alice)

    assert refused(response) == (500, 500, "mail_failed")
    assert response.get_json()["message"] == "邮件发送失败"


def test_after_a_mail_that_could_not_be_sent_one_may_ask_at_once(alice: Person, mailer: FakeMailer) -> None:
    mailer.away = True
    forget(alice)
    mailer.away = False

    assert forget(alice).status_code == 200
    assert reset(alice, mailer.code).status_code == 200


def test_the_mail_is_in_the_callers_language(alice: Person, mailer: FakeMailer) -> None:
    forget(alice, headers={"Accept-Language": "en"})

    assert mailer.sent[0].subject == "Your code to reset your Darkroom password"


def test_with_a_mail_server_the_code_comes_by_mail(settings: Settings, sign_up: Callable[[str], Person]) -> None:
    alice = sign_up("alice")

    with Sink() as sink:
        server = {"smtp_host": "127.0.0.1", "smtp_port": sink.port, "smtp_security": "none"}
        _replace(alice.client.application, Resources.of(settings.model_copy(update=server)).mailer)
        answer = forget(alice)

    [mail] = sink.mails
    assert answer.status_code == 200
    assert (mail["To"], mail["Subject"]) == (ALICE, "Darkroom 重置密码验证码")


def test_without_a_mail_server_the_code_is_in_the_log(alice: Person) -> None:
    with capture_logs() as logs:
        forget(alice)

    [entry] = [entry for entry in logs if entry["event"] == "mail_to_log"]
    assert entry["to"] == ALICE
    assert reset(alice, entry["code"]).status_code == 200


def test_resetting_answers_as_documented(alice: Person, mailer: FakeMailer) -> None:
    forget(alice)

    response = reset(alice, mailer.code)

    assert response.get_json() == {"code": 200, "message": "成功重置密码", "data": None}
    assert logs_in(alice, NEW)
    assert not logs_in(alice, PASSWORD)


def test_a_reset_password_ends_all_tokens_of_its_user(alice: Person, bob: Person, mailer: FakeMailer) -> None:
    other = Person(alice.client, "alice", log_in(alice.client, "alice"))
    forget(alice)

    reset(alice, mailer.code)

    assert [person.call("GET", TASK).status_code for person in (alice, other, bob)] == [401, 401, 404]
    assert alice.call("GET", TASK).get_json()["error"]["code"] == "token_revoked"


def test_a_wrong_code_changes_nothing(alice: Person, mailer: FakeMailer) -> None:
    forget(alice)

    response = reset(alice, wrong(mailer.code))

    assert refused(response) == (403, 401, "code_wrong")
    assert response.get_json()["message"] == "验证码错误或过期"
    assert alice.call("GET", TASK).status_code == 404
    assert logs_in(alice, PASSWORD)


def test_a_code_that_was_used_is_wrong(alice: Person, mailer: FakeMailer) -> None:
    forget(alice)
    reset(alice, mailer.code)

    response = reset(alice, mailer.code, new="User@9999")

    assert refused(response) == (403, 401, "code_wrong")
    assert logs_in(alice, NEW)


def test_after_five_wrong_codes_the_right_one_is_wrong(alice: Person, mailer: FakeMailer) -> None:
    forget(alice)
    guesses = [reset(alice, wrong(mailer.code)).status_code for _ in range(5)]

    response = reset(alice, mailer.code)

    assert [*guesses, response.status_code] == [403] * 6
    assert logs_in(alice, PASSWORD)


def test_of_many_resets_with_one_code_at_once_one_succeeds(alice: Person, mailer: FakeMailer, app: Flask) -> None:
    forget(alice)
    passwords = [f"User@{number}" for number in range(4)]

    def use(password: str) -> int:
        return reset(Person(app.test_client(), "alice", ""), mailer.code, new=password).status_code

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(use, passwords))

    assert sorted(answers) == [200, 403, 403, 403]
    assert logs_in(alice, passwords[answers.index(200)])


def test_somebody_elses_code_is_wrong(alice: Person, bob: Person, mailer: FakeMailer) -> None:
    forget(alice)

    response = reset(bob, mailer.code, email="bobby@example.com")

    assert refused(response) == (403, 401, "code_wrong")
    assert logs_in(bob, PASSWORD)


def test_an_unknown_address_is_like_a_wrong_code(alice: Person, mailer: FakeMailer) -> None:
    forget(alice)

    unknown, known = reset(alice, "000000", email="nobody@example.com"), reset(alice, wrong(mailer.code))

    assert (unknown.status_code, unknown.get_json()) == (known.status_code, known.get_json())


def test_a_code_of_an_address_that_its_user_has_left_is_wrong(alice: Person, mailer: FakeMailer) -> None:
    forget(alice)
    alice.call("POST", "/api/v1/user/reset-email", json={"new_email": "new@example.com"})

    response = reset(alice, mailer.code)

    assert refused(response) == (403, 401, "code_wrong")
    assert logs_in(alice, PASSWORD)


def test_a_user_who_has_gone_meanwhile_has_no_password(alice: Person, mailer: FakeMailer, engine: Engine) -> None:
    forget(alice)
    with db.write(engine) as connection:
        connection.execute(delete(User))

    response = reset(alice, mailer.code)

    assert refused(response) == (403, 401, "code_wrong")
    with Session(engine) as session:
        assert session.query(VerificationCode).count() == 1


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("email", {}),
        ("email", {"email": ""}),
        ("email", {"email": None}),
        ("email", {"email": 7}),
        ("email", {"email": [ALICE]}),
        ("email", {"email": {"$ne": ""}}),
        ("email", {"email": "no address"}),
        ("email", {"email": "Alice <alice@example.com>"}),
        ("email", {"email": f"{ALICE}\r\nBcc: bob@example.com"}),
        ("email", {"email": f"{ALICE}, bobby@example.com"}),
        ("email", {"email": "alice\0@example.com"}),
        ("email", {"email": "a" * 250 + "@example.com"}),
        ("email", {"email": "a" * 1_000_000}),
        ("account", {"email": ALICE, "account": "alice"}),
    ],
)
def test_asking_for_a_mail_with_bad_input_names_the_field(
    alice: Person, mailer: FakeMailer, field: str, body: dict[str, object]
) -> None:
    response = alice.client.post(FORGOT, json=body)

    assert refused(response) == (400, 400, "invalid_request")
    assert [problem["field"] for problem in response.get_json()["error"]["fields"]] == [field]
    assert mailer.sent == []


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("email", {"email": None}),
        ("email", {"email": "alice"}),
        ("email", {"email": True}),
        ("verification_code", {"verification_code": None}),
        ("verification_code", {"verification_code": 123456}),
        ("verification_code", {"verification_code": ""}),
        ("verification_code", {"verification_code": ["123456"]}),
        ("verification_code", {"verification_code": "1" * 65}),
        ("verification_code", {"verification_code": "1" * 1_000_000}),
        ("new_password", {"new_password": None}),
        ("new_password", {"new_password": "12345"}),
        ("new_password", {"new_password": "x" * 129}),
        ("new_password", {"new_password": 12345678}),
        ("old_password", {"old_password": PASSWORD}),
    ],
)
def test_resetting_with_bad_input_names_the_field_and_costs_no_attempt(
    alice: Person, mailer: FakeMailer, field: str, change: dict[str, object]
) -> None:
    forget(alice)
    body = {"email": ALICE, "verification_code": mailer.code, "new_password": NEW}

    answers = [alice.client.post(RESET, json={**body, **change}) for _ in range(6)]

    assert {refused(answer) for answer in answers} == {(400, 400, "invalid_request")}
    assert [problem["field"] for problem in answers[0].get_json()["error"]["fields"]] == [field]
    assert reset(alice, mailer.code).status_code == 200


@pytest.mark.parametrize("code", ["abcdef", "12345", "１２３４５６", "12345\0", "😀", " 123456 "])
def test_what_is_no_code_at_all_is_a_wrong_one(alice: Person, mailer: FakeMailer, code: str) -> None:
    forget(alice)

    assert refused(reset(alice, code)) == (403, 401, "code_wrong")


@ONLY_SQLITE
@pytest.mark.parametrize("path", [FORGOT, RESET])
@pytest.mark.parametrize("data", NOT_JSON_OBJECTS, ids=range(len(NOT_JSON_OBJECTS)))
def test_a_body_that_is_no_json_object_is_refused(alice: Person, path: str, data: bytes) -> None:
    response = alice.client.post(path, data=data, content_type="application/json")

    assert (response.status_code, response.get_json()["code"]) == (400, 400)


@ONLY_SQLITE
@pytest.mark.parametrize("path", [FORGOT, RESET])
def test_a_form_is_not_taken(alice: Person, path: str) -> None:
    assert alice.client.post(path, data={"email": ALICE}).status_code == 415
