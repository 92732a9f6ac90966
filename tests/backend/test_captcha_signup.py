"""captcha's sign-up and login, on both stacks."""

from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from redis import Redis
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from backend import create_app
from backend.services.captchas import LIFE_SECONDS
from shared.progress import redis_client
from shared.settings import Settings
from tests.backend.conftest import PASSWORD, Person
from tests.servers import free_port
from tests.together import at_once

ONLY_SQLITE = pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # nothing of this reaches a database
AT_ONCE = 8


@pytest.fixture
def redis(settings: Settings) -> Iterator[Redis]:
    """Where the digits are that a person would read in the picture."""
    client = redis_client(settings.redis_url)
    yield client
    client.close()


@pytest.fixture
def client_without_redis(settings: Settings) -> Iterator[FlaskClient]:
    away = settings.model_copy(update={"broker_url": type(settings.broker_url)(f"redis://127.0.0.1:{free_port()}/0")})
    app = create_app(Settings(_env_file=None, **{**settings.model_dump(), "broker_url": away.broker_url}))
    yield app.test_client()
    app.extensions["darkroom"].close()


Solve = Callable[[], dict[str, str]]


@pytest.fixture
def solve(client: FlaskClient, redis: Redis) -> Solve:
    """A fresh captcha and what it shows."""

    def make() -> dict[str, str]:
        name = client.get("/captcha").get_json()["captchaId"]
        return {"captchaId": name, "value": str(redis.get(f"darkroom:captcha:{name}"))}

    return make


def sign_up(client: FlaskClient, captcha: dict[str, str], **body: Any) -> TestResponse:
    about = {"username": "carol", "password": PASSWORD, "email": "carol@example.com", **captcha, **body}
    return client.post("/signup", json={name: value for name, value in about.items() if value is not ...})


def count_users(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT COUNT(*) FROM users")).scalar_one())


def test_a_captchas_id_is_all_that_comes_with_it(client: FlaskClient) -> None:
    response = client.get("/captcha")

    assert response.status_code == 200
    assert set(response.get_json()) == {"captchaId"}


def test_no_two_captchas_have_the_same_long_id(client: FlaskClient) -> None:
    names = {client.get("/captcha").get_json()["captchaId"] for _ in range(20)}

    assert len(names) == 20
    assert {len(name) for name in names} == {32}


def test_a_captcha_is_a_picture_that_nobody_keeps(client: FlaskClient, solve: Solve) -> None:
    response = client.get(f"/captcha/{solve()['captchaId']}")

    assert (response.status_code, response.mimetype) == (200, "image/png")
    assert response.headers["Cache-Control"] == "no-store"
    assert Image.open(BytesIO(response.data)).format == "PNG"


def test_a_captcha_shows_four_to_six_digits(solve: Solve) -> None:
    value = solve()["value"]

    assert value.isdigit()
    assert 4 <= len(value) <= 6


def test_a_captcha_lives_five_minutes(solve: Solve, redis: Redis) -> None:
    name = solve()["captchaId"]

    assert LIFE_SECONDS == 300
    assert 290 < redis.ttl(f"darkroom:captcha:{name}") <= 300


@ONLY_SQLITE
@pytest.mark.parametrize("name", ["unknown", "x" * 3000, "%00", "😀", "..", "' OR 1"])
def test_an_unknown_captcha_has_no_picture(client: FlaskClient, name: str) -> None:
    response = client.get(f"/captcha/{name}")

    assert response.status_code == 404
    assert set(response.get_json()) == {"error"}


def test_a_captcha_that_has_expired_has_no_picture_and_is_wrong(
    client: FlaskClient, solve: Solve, redis: Redis
) -> None:
    captcha = solve()
    redis.delete(f"darkroom:captcha:{captcha['captchaId']}")  # as Redis does after five minutes

    assert client.get(f"/captcha/{captcha['captchaId']}").status_code == 404
    assert sign_up(client, captcha).get_json() == {"error": "Invalid captcha"}


def test_signing_up_answers_as_documented(client: FlaskClient, solve: Solve) -> None:
    response = sign_up(client, solve())

    body = response.get_json()
    assert response.status_code == 200
    assert set(body) == {"message", "session_token"}
    assert body["message"] == "User signup successfully"
    assert Person(client, "carol", body["session_token"]).call("GET", "/auth/getavatar").status_code == 200


def test_whoever_signed_up_can_log_in_through_every_contract(client: FlaskClient, solve: Solve) -> None:
    sign_up(client, solve())

    by_name = {"username": "carol", "password": PASSWORD}
    answers = [
        client.post("/login", json=by_name),
        client.post("/api/auth/login", json=by_name),
        client.post("/api/v1/auth/login", json={"account": "carol", "password": PASSWORD}),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200]


def test_what_is_read_may_have_spaces_around_it(client: FlaskClient, solve: Solve) -> None:
    captcha = solve()

    assert sign_up(client, {**captcha, "value": f" {captcha['value']} "}).status_code == 200


@pytest.mark.parametrize("wrong", ["00000x", "１２３４５", "😀", "0" * 64, "\0"])
def test_a_captcha_read_wrongly_is_refused_and_makes_no_user(
    client: FlaskClient, solve: Solve, engine: Engine, wrong: str
) -> None:
    response = sign_up(client, {**solve(), "value": wrong})

    assert (response.status_code, response.get_json()) == (400, {"error": "Invalid captcha"})
    assert count_users(engine) == 0


def test_a_captcha_read_wrongly_once_is_spent(client: FlaskClient, solve: Solve) -> None:
    captcha = solve()
    sign_up(client, {**captcha, "value": "wrong"})

    response = sign_up(client, captcha)

    assert response.get_json() == {"error": "Invalid captcha"}
    assert client.get(f"/captcha/{captcha['captchaId']}").status_code == 404


def test_a_captcha_read_rightly_is_spent(client: FlaskClient, solve: Solve, engine: Engine) -> None:
    captcha = solve()
    sign_up(client, captcha)

    again = sign_up(client, captcha, username="dave", email="dave@example.com")

    assert (again.status_code, again.get_json()) == (400, {"error": "Invalid captcha"})
    assert count_users(engine) == 1


def test_a_captcha_is_good_for_its_own_reading_only(client: FlaskClient, solve: Solve) -> None:
    one, other = solve(), solve()
    while other["value"] == one["value"]:
        other = solve()

    response = sign_up(client, {**one, "value": other["value"]})

    assert response.get_json() == {"error": "Invalid captcha"}


def test_of_many_sign_ups_with_one_captcha_at_once_one_succeeds(app: Flask, solve: Solve, engine: Engine) -> None:
    captcha = solve()

    def one(number: int) -> int:
        client = app.test_client()
        return sign_up(client, captcha, username=f"carol{number}", email=f"carol{number}@example.com").status_code

    answers = at_once(*(partial(one, number) for number in range(AT_ONCE)))

    assert sorted(answers) == [200] + [400] * (AT_ONCE - 1)
    assert count_users(engine) == 1


def test_a_name_that_is_taken_is_the_documented_failure(client: FlaskClient, solve: Solve, alice: Person) -> None:
    response = sign_up(client, solve(), username="Alice")

    assert (response.status_code, response.get_json()) == (409, {"error": "Username already exists"})


def test_an_address_that_is_taken_is_a_failure_of_its_own(client: FlaskClient, solve: Solve, alice: Person) -> None:
    response = sign_up(client, solve(), email="Alice@example.com")

    assert (response.status_code, response.get_json()) == (409, {"error": "Email already exists"})


@ONLY_SQLITE
@pytest.mark.parametrize(
    "body",
    [
        *({name: ...} for name in ("username", "password", "email", "captchaId", "value")),
        *({name: None} for name in ("username", "password", "email", "captchaId", "value")),
        *({name: 7} for name in ("username", "password", "email", "captchaId", "value")),
        *({name: ["x"]} for name in ("username", "password", "email", "captchaId", "value")),
        *({name: ""} for name in ("username", "password", "email", "captchaId", "value")),
        {"username": "ab"},
        {"username": "x" * 65},
        {"username": " carol"},
        {"username": "car\0ol"},
        {"username": "carol@example.com"},
        {"password": "12345"},
        {"password": "x" * 129},
        {"email": "no address"},
        {"email": "x" * 1_000_000},
        {"value": "x" * 65},
        {"role": "admin"},
    ],
    ids=str,
)
def test_bad_input_is_an_invalid_request(
    client: FlaskClient, solve: Solve, engine: Engine, body: dict[str, Any]
) -> None:
    response = sign_up(client, solve(), **body)

    assert response.status_code in {400, 413}
    assert response.get_json()["error"] in {"Invalid request", "The body is too large"}
    assert count_users(engine) == 0


@ONLY_SQLITE
@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"7", b"\xff\xfe"])
def test_a_body_that_is_no_json_object_is_an_invalid_request(client: FlaskClient, data: bytes) -> None:
    response = client.post("/signup", data=data, content_type="application/json")

    assert (response.status_code, response.get_json()) == (400, {"error": "Invalid request"})


@ONLY_SQLITE
def test_a_form_is_not_taken(client: FlaskClient) -> None:
    response = client.post("/signup", data={"username": "carol"})

    assert (response.status_code, response.get_json()) == (415, {"error": "Invalid request"})


def test_input_that_is_not_valid_does_not_spend_the_captcha(client: FlaskClient, solve: Solve) -> None:
    captcha = solve()
    sign_up(client, captcha, username="ab")

    assert sign_up(client, captcha).status_code == 200


@ONLY_SQLITE
def test_the_answers_are_english_whatever_the_language(client: FlaskClient) -> None:
    response = client.post("/signup", json={}, headers={"Accept-Language": "zh"})

    assert response.get_json() == {"error": "Invalid request"}


def test_logging_in_answers_as_this_contract_has_it(client: FlaskClient, solve: Solve) -> None:
    sign_up(client, solve())

    good = client.post("/login", json={"username": "carol", "password": PASSWORD})
    bad = client.post("/login", json={"username": "carol", "password": "no such password"})
    malformed = client.post("/login", json={"username": "carol"})

    assert good.get_json()["message"] == "Login successful"
    assert good.get_json()["session_token"]
    assert (bad.status_code, bad.get_json()["error"]) == (401, "Invalid username or password")
    assert (malformed.status_code, malformed.get_json()["error"]) == (400, "Invalid request")


@pytest.mark.parametrize(("method", "path"), [("GET", "/captcha"), ("GET", "/captcha/some"), ("POST", "/signup")])
def test_without_redis_there_are_no_captchas(client_without_redis: FlaskClient, method: str, path: str) -> None:
    body = {"username": "carol", "password": PASSWORD, "email": "carol@example.com", "captchaId": "x", "value": "1"}

    response = client_without_redis.open(path, method=method, json=body if method == "POST" else None)

    documented = "Failed to create user" if method == "POST" else "Failed to generate captcha image"
    assert (response.status_code, response.get_json()) == (503, {"error": documented})
    assert response.headers["Retry-After"]


class TestWhereEveryRegistrationNeedsACaptcha:
    """CAPTCHA_REQUIRED is on."""

    ROUTES = (
        ("/register", {"username": "carol"}, {}),
        ("/api/v1/auth/register", {"account": "carol"}, {}),
        ("/api/auth/register", {"username": "carol"}, {"form": True}),
    )

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"captcha_required": True})

    def register(self, client: FlaskClient, path: str, body: dict[str, Any], form: bool = False) -> TestResponse:
        whole = {"email": "carol@example.com", "password": PASSWORD, **body}
        if form:
            return client.post(path, data=whole, content_type="multipart/form-data")
        return client.post(path, json=whole)

    @pytest.mark.parametrize(("path", "name", "how"), ROUTES)
    def test_one_without_is_refused(
        self, client: FlaskClient, engine: Engine, path: str, name: dict[str, str], how: dict[str, bool]
    ) -> None:
        response = self.register(client, path, name, **how)

        assert response.status_code == 400
        assert "图形验证码错误" in response.get_data(as_text=True)
        assert count_users(engine) == 0

    @pytest.mark.parametrize(("path", "name", "how"), ROUTES)
    def test_one_that_is_right_is_spent(
        self, client: FlaskClient, solve: Solve, path: str, name: dict[str, str], how: dict[str, bool]
    ) -> None:
        captcha = solve()

        first = self.register(client, path, {**name, **captcha}, **how)
        again = self.register(client, path, {**name, **captcha}, **how)

        assert (first.status_code, again.status_code) == (200, 400)


@pytest.mark.parametrize(("path", "name"), [("/register", "username"), ("/api/v1/auth/register", "account")])
def test_where_none_is_needed_a_captcha_changes_nothing(client: FlaskClient, path: str, name: str) -> None:
    about = {name: "carol", "email": "carol@example.com", "password": PASSWORD}

    response = client.post(path, json={**about, "captchaId": "no such", "value": "thing"})

    assert response.status_code == 200
