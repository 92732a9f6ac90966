"""The image contract's accounts: signing up by form, logging in, the profile, and what is refused."""

from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from shared.models import User
from shared.settings import Settings
from tests.backend.conftest import PASSWORD, Person
from tests.backend.image import ENGLISH, FORM, PNG, avatar_url, field, files, picture, refusal, register

BIG = "x" * 1_000_000


def user(engine: Engine, account: str) -> User | None:
    with Session(engine, expire_on_commit=False) as session:
        return session.scalar(select(User).where(User.account == account))


def log_in(client: FlaskClient, username: str, password: str, **options: Any) -> Any:
    return client.post("/api/auth/login", json={"username": username, "password": password}, **options)


def test_registering_without_a_picture_answers_as_documented(client: FlaskClient) -> None:
    response = register(client)

    assert response.status_code == 200
    assert response.get_json() == {"status": "success", "message": "注册成功", "data": {"avatarUrl": None}}


def test_registering_with_a_picture_answers_with_its_url(client: FlaskClient, engine: Engine) -> None:
    response = register(client, picture(PNG))

    assert response.get_json()["message"] == "注册成功"
    assert avatar_url(response).startswith("/api/uploads/avatars/")
    found = user(engine, "carol")
    assert found is not None
    assert (found.email, found.avatar_url) == ("carol@example.com", avatar_url(response))


def test_a_form_whose_picture_was_not_chosen_has_none(client: FlaskClient) -> None:
    unchosen = picture(b"", "application/octet-stream", filename="")

    assert avatar_url(register(client, unchosen)) is None


def test_an_empty_text_in_place_of_the_picture_is_none(client: FlaskClient) -> None:
    assert avatar_url(register(client, field("avatar", b""))) is None


def test_logging_in_answers_as_documented(client: FlaskClient) -> None:
    url = avatar_url(register(client, picture(PNG)))

    body = log_in(client, "carol", FORM["password"]).get_json()

    assert (body["status"], body["message"]) == ("success", "登录成功")
    assert set(body["data"]) == {"token", "user"}
    assert body["data"]["user"] == {"username": "carol", "email": "carol@example.com", "avatarUrl": url}


def test_an_email_address_logs_in_too(client: FlaskClient) -> None:
    register(client)

    assert log_in(client, "Carol@example.com", FORM["password"]).status_code == 200


class TestWhereACaptchaIsRequired:
    """As the setting says."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"captcha_required": True})

    def test_nobody_registers_without_one(self, client: FlaskClient, engine: Engine) -> None:
        response = register(client, picture(PNG))

        assert refusal(response) == (400, "", "captcha_wrong")
        assert user(engine, "carol") is None

    def test_one_that_was_read_wrongly_leaves_no_file(self, client: FlaskClient, settings: Settings) -> None:
        captcha = client.get("/captcha").get_json()["captchaId"]

        response = register(client, picture(PNG), captchaId=captcha, value="x")

        assert refusal(response) == (400, "", "captcha_wrong")
        assert files(settings) == []

    def test_one_that_was_read_rightly_is_enough(self, app: Flask, client: FlaskClient) -> None:
        captcha = client.get("/captcha").get_json()["captchaId"]
        digits = app.extensions["darkroom"].redis.get(f"darkroom:captcha:{captcha}")

        assert register(client, picture(PNG), captchaId=captcha, value=digits).status_code == 200


def test_the_profile_answers_as_documented(client: FlaskClient, engine: Engine) -> None:
    url = avatar_url(register(client, picture(PNG)))
    token = log_in(client, "carol", FORM["password"]).get_json()["data"]["token"]

    body = Person(client, "carol", token).call("GET", "/api/auth/profile").get_json()

    found = user(engine, "carol")
    assert found is not None
    assert body["status"] == "success"
    assert set(body["data"]) == {"id", "username", "email", "avatarUrl", "created_at"}
    assert {**body["data"], "created_at": ""} == {
        "id": found.id,
        "username": "carol",
        "email": "carol@example.com",
        "avatarUrl": url,
        "created_at": "",
    }
    assert datetime.fromisoformat(body["data"]["created_at"]) == found.created_at.replace(microsecond=0)
    assert body["data"]["created_at"].endswith("Z")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/auth/login", {"username": "alice", "password": PASSWORD}),
        ("/api/v1/auth/login", {"account": "alice", "password": PASSWORD}),
    ],
)
def test_logging_in_by_any_contract_is_remembered(alice: Person, engine: Engine, path: str, body: Any) -> None:
    before = user(engine, "alice")

    alice.client.post(path, json=body)

    after = user(engine, "alice")
    assert before is not None
    assert after is not None
    assert before.last_login_at is None
    assert after.last_login_at is not None
    assert after.last_login_at >= before.created_at


def test_a_failed_login_is_not_remembered(alice: Person, engine: Engine) -> None:
    log_in(alice.client, "alice", "wrong password")

    found = user(engine, "alice")
    assert found is not None
    assert found.last_login_at is None


def test_who_signs_up_here_logs_in_by_v1_and_the_other_way_round(client: FlaskClient) -> None:
    register(client)
    client.post("/api/v1/auth/register", json={"account": "dave", "email": "dave@example.com", "password": PASSWORD})

    by_v1 = client.post("/api/v1/auth/login", json={"account": "carol", "password": FORM["password"]})

    assert by_v1.status_code == 200
    assert log_in(client, "dave", PASSWORD).get_json()["data"]["user"]["avatarUrl"] is None


@pytest.mark.parametrize(
    ("headers", "messages"),
    [({}, ("注册成功", "登录成功", "用户名已存在")), (ENGLISH, ("Registered", "Logged in", "This username is taken"))],
)
def test_messages_are_in_the_callers_language(client: FlaskClient, headers: Any, messages: tuple[str, ...]) -> None:
    first = register(client, headers=headers)
    second = log_in(client, "carol", FORM["password"], headers=headers)
    third = register(client, headers=headers)

    assert tuple(response.get_json()["message"] for response in (first, second, third)) == messages


@pytest.mark.parametrize("password", ["wrong password", "x"])
@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_a_wrong_login_is_401_and_does_not_say_what_was_wrong(alice: Person, name: str, password: str) -> None:
    response = log_in(alice.client, name, password)

    assert refusal(response) == (401, "", "login_failed")
    assert response.get_json()["message"] == "用户名或密码错误"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"email": "other@example.com"}, "account_taken"),
        ({"username": "CAROL", "email": "other@example.com"}, "account_taken"),
        ({"username": "other"}, "email_taken"),
        ({"username": "other", "email": "CAROL@example.com"}, "email_taken"),
    ],
    ids=str,
)
def test_a_duplicate_is_409(client: FlaskClient, values: dict[str, str], code: str) -> None:
    register(client)

    assert refusal(register(client, **values)) == (409, "", code)


@pytest.mark.parametrize(
    ("values", "name", "code"),
    [
        ({"username": None}, "username", "missing"),
        ({"username": ""}, "username", "string_too_short"),
        ({"username": "ab"}, "username", "string_too_short"),
        ({"username": "x" * 21}, "username", "string_too_long"),
        ({"username": BIG[:400_000]}, "username", "string_too_long"),
        ({"username": "a\0bc"}, "username", "misleading_name"),
        ({"username": "a@bc"}, "username", "misleading_name"),
        ({"username": " abc"}, "username", "misleading_name"),
        ({"email": None}, "email", "missing"),
        ({"email": "no address"}, "email", "bad_email"),
        ({"email": "a\0@example.com"}, "email", "bad_email"),
        ({"email": f"{'x' * 250}@example.com"}, "email", "string_too_long"),
        ({"password": None}, "password", "missing"),
        ({"password": "12345"}, "password", "string_too_short"),
        ({"password": "x" * 21}, "password", "string_too_long"),
        ({"surprise": "1"}, "surprise", "extra_forbidden"),
        ({"avatar": "a text"}, "avatar", "is_instance_of"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_field_is_400_and_named(client: FlaskClient, engine: Engine, values: Any, name: str, code: str) -> None:
    response = register(client, **values)

    assert refusal(response) == (400, name, code)
    assert response.get_json()["message"].startswith(f"请求参数不合规; {name}: ")
    assert user(engine, "carol") is None


@pytest.mark.parametrize("name", ["username", "email", "password"])
def test_a_field_that_comes_twice_or_as_a_file_is_refused(client: FlaskClient, name: str) -> None:
    twice = register(client, field(name, b"again@example.com"))
    as_file = register(client, field(name, b"abcdef", '; filename="a"'), **{name: None})

    assert refusal(twice) == refusal(as_file) == (400, name, "string_type")


def test_two_pictures_are_refused(client: FlaskClient) -> None:
    assert refusal(register(client, picture(PNG), picture(PNG))) == (400, "avatar", "is_instance_of")


@pytest.mark.parametrize("name", ["😀😀😀", "图像生成器", "x" * 20])
def test_names_of_any_script_are_counted_in_characters(client: FlaskClient, name: str) -> None:
    register(client, username=name)

    assert log_in(client, name, FORM["password"]).get_json()["data"]["user"]["username"] == name


@pytest.mark.parametrize(
    "options",
    [
        {"json": FORM},
        {"data": FORM, "content_type": "application/x-www-form-urlencoded"},
        {"data": b"x", "content_type": "text/plain"},
        {"data": b""},
    ],
    ids=["json", "urlencoded", "text", "nothing"],
)
def test_what_is_no_multipart_form_is_415(client: FlaskClient, options: dict[str, Any]) -> None:
    response = client.post("/api/auth/register", **options)

    assert refusal(response) == (415, "", "unsupported_media_type")


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=y"])
def test_a_form_that_cannot_be_taken_apart_is_400(client: FlaskClient, content_type: str) -> None:
    response = client.post("/api/auth/register", data=b"--x\r\nnonsense", content_type=content_type)

    assert response.status_code == 400
    assert response.get_json()["status"] == "error"


def test_a_form_above_its_limit_is_413(client: FlaskClient) -> None:
    response = register(client, picture(b"x" * (6 * 1024 * 1024)))

    assert refusal(response) == (413, "", "too_large")


@pytest.mark.parametrize(
    ("body", "name", "code"),
    [
        ({}, "username", "missing"),
        ({"username": "alice"}, "password", "missing"),
        ({"username": 1, "password": "x"}, "username", "string_type"),
        ({"username": None, "password": "x"}, "username", "string_type"),
        ({"username": "", "password": "x"}, "username", "string_too_short"),
        ({"username": "alice", "password": ["x"]}, "password", "string_type"),
        ({"username": "alice", "password": "x" * 129}, "password", "string_too_long"),
        ({"username": BIG[:500_000], "password": "x"}, "username", "string_too_long"),
        ({"username": "alice", "password": "x", "surprise": 1}, "surprise", "extra_forbidden"),
        ([], "body", "model_type"),
        ("alice", "body", "model_type"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_login_is_400_and_named(client: FlaskClient, body: Any, name: str, code: str) -> None:
    assert refusal(client.post("/api/auth/login", json=body)) == (400, name, code)


@pytest.mark.parametrize("name", ["a\0b", "😀", "' OR 1=1 --"])
def test_a_name_of_any_text_is_simply_nobodys(client: FlaskClient, name: str) -> None:
    assert refusal(log_in(client, name, "password")) == (401, "", "login_failed")


@pytest.mark.parametrize(
    ("headers", "code", "message"),
    [
        ({}, "token_missing", "未授权：缺少Token"),
        ({"Authorization": "Bearer forged"}, "token_invalid", "未授权：Token无效"),
        ({"Authorization": "Bearer forged", **ENGLISH}, "token_invalid", "Not authorised: the token is not valid"),
    ],
)
def test_a_profile_needs_a_token(client: FlaskClient, headers: Any, code: str, message: str) -> None:
    response = client.get("/api/auth/profile", headers=headers)

    assert refusal(response) == (401, "", code)
    assert response.get_json()["message"] == message
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/api/auth/nothing", "/api/uploads/nothing", "/api/v1/images/nothing"])
def test_an_unknown_path_is_404_in_this_dialect(client: FlaskClient, path: str) -> None:
    response = client.get(path)

    assert refusal(response) == (404, "", "not_found")
    assert response.get_json()["message"] == "资源不存在"


@pytest.mark.parametrize("path", ["/api/auth/login", "/api/uploads/avatars/a.png", "/api/v1/images/history"])
def test_an_unknown_method_is_405_in_this_dialect(client: FlaskClient, path: str) -> None:
    assert refusal(client.delete(path)) == (405, "", "method_not_allowed")


def test_an_unknown_path_beside_it_is_still_v1s(client: FlaskClient) -> None:
    assert client.get("/api/v1/nothing").get_json()["code"] == 404
