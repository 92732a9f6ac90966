"""gin's registration, login and avatar, on both stacks."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr
from werkzeug.test import TestResponse

from backend import create_app
from backend.database import sql
from shared.addresses import Addresses
from shared.settings import Settings
from tests.backend.conftest import PASSWORD, Person
from tests.fakes.resolver import FakeResolver
from tests.servers import free_port

ONLY_SQLITE = pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # nothing of this reaches a database
CAROL = {"username": "carol", "email": "carol@example.com", "password": PASSWORD}
PUBLIC, URL = "93.184.216.34", "https://example.org/me.png"
NOT_JSON_OBJECTS = [b"", b"{", b"[]", b"null", b"7", b'"text"', b"\xff\xfe", b'{"username":' * 5000]


@pytest.fixture
def resolve(app: Flask) -> Callable[..., FakeResolver]:
    """What the names of the internet mean from now on."""

    def mean(*addresses: str) -> FakeResolver:
        resolver = FakeResolver(list(addresses))
        object.__setattr__(app.extensions["darkroom"], "addresses", Addresses(resolve=resolver))
        return resolver

    return mean


def register(client: FlaskClient, **body: Any) -> TestResponse:
    about = {**CAROL, **body}
    return client.post("/register", json={name: value for name, value in about.items() if value is not ...})


def log_in(client: FlaskClient, **body: Any) -> TestResponse:
    return client.post("/login", json=body)


def set_avatar(person: Person, url: object = URL, **others: Any) -> TestResponse:
    return person.call("POST", "/auth/setavatar", json={"url": url, **others})


def get_avatar(person: Person) -> object:
    return person.call("GET", "/auth/getavatar").get_json()["data"]


def fields_of(response: TestResponse) -> list[str]:
    return [problem["field"] for problem in response.get_json()["fields"]]


def test_registering_answers_as_documented(client: FlaskClient) -> None:
    response = register(client)

    body = response.get_json()
    assert response.status_code == body["code"] == 200
    assert body["msg"] == "注册成功"
    assert set(body) == {"code", "msg", "data"}
    assert set(body["data"]) == {"id", "username", "email", "avatarUrl"}


def test_the_answer_does_not_hold_the_password(client: FlaskClient) -> None:
    assert PASSWORD not in register(client).get_data(as_text=True)


@pytest.mark.parametrize(
    ("username", "password"), [("abc", "123456"), ("n" * 64, "p" * 128), ("名字名", "密码密码密码")]
)
def test_names_have_3_to_64_characters_and_passwords_6_to_128(
    client: FlaskClient, username: str, password: str
) -> None:
    assert register(client, username=username, password=password).status_code == 200
    assert log_in(client, username=username, password=password).status_code == 200


@pytest.mark.parametrize(
    ("body", "reason", "english"),
    [
        ({"email": "other@example.com", "username": "ALICE"}, "account_taken", "Username already exists"),
        ({"email": "ALICE@example.com"}, "email_taken", "Email already exists"),
    ],
)
def test_a_duplicate_is_a_conflict(
    client: FlaskClient, alice: Person, body: dict[str, str], reason: str, english: str
) -> None:
    response = register(client, **body)

    found = response.get_json()
    assert response.status_code == found["code"] == 409
    assert (found["reason"], found["error"], found["data"]) == (reason, english, None)


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("field", "body"),
    [
        *((name, {name: ...}) for name in CAROL),
        *((name, {name: None}) for name in CAROL),
        *((name, {name: 7}) for name in CAROL),
        *((name, {name: {"a": 1}}) for name in CAROL),
        *((name, {name: ""}) for name in CAROL),
        ("username", {"username": "ab"}),
        ("username", {"username": "n" * 65}),
        ("username", {"username": " ab "}),
        ("username", {"username": "a\0b"}),
        ("username", {"username": "a@b"}),
        ("password", {"password": "12345"}),
        ("password", {"password": "p" * 129}),
        ("email", {"email": "no address"}),
        ("email", {"email": "a\0@example.com"}),
        ("captchaId", {"captchaId": 7}),
        ("value", {"value": "x" * 65}),
        ("role", {"role": "admin"}),
    ],
)
def test_registering_with_bad_input_names_the_field(client: FlaskClient, field: str, body: dict[str, Any]) -> None:
    response = register(client, **body)

    found = response.get_json()
    assert response.status_code == found["code"] == 400
    assert (found["msg"], found["error"]) == ("请求数据格式错误", "Invalid request")
    assert fields_of(response)[0] == field


@ONLY_SQLITE
@pytest.mark.parametrize("path", ["/register", "/login"])
@pytest.mark.parametrize("data", NOT_JSON_OBJECTS)
def test_a_body_that_is_no_json_object_is_refused(client: FlaskClient, path: str, data: bytes) -> None:
    response = client.post(path, data=data, content_type="application/json")

    body = response.get_json()
    assert (response.status_code, body["code"], body["msg"]) == (400, 400, "请求数据格式错误")
    assert body["error"] == "Invalid request"


@ONLY_SQLITE
@pytest.mark.parametrize("path", ["/register", "/login"])
def test_a_body_of_a_megabyte_is_refused(client: FlaskClient, path: str) -> None:
    response = client.post(path, json={**CAROL, "username": "x" * 2**20})

    assert response.status_code == response.get_json()["code"] == 413


@ONLY_SQLITE
@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/login", 405), ("GET", "/auth/nothing", 404)])
def test_what_is_no_route_fails_in_this_contracts_way(client: FlaskClient, method: str, path: str, status: int) -> None:
    response = client.open(path, method=method)

    assert response.status_code == response.get_json()["code"] == status
    assert {"msg", "data", "error"} <= set(response.get_json())


def test_logging_in_answers_to_every_client_that_has_this_path(client: FlaskClient) -> None:
    user = register(client).get_json()["data"]

    response = log_in(client, username="carol", password=PASSWORD)

    body = response.get_json()
    assert response.status_code == body["code"] == 200
    assert set(body) == {"code", "msg", "message", "session_token", "data"}
    assert (body["msg"], body["message"]) == ("登录成功", "Login successful")
    assert body["data"] == {"token": body["session_token"], "user": user}
    assert user == {"id": user["id"], "username": "carol", "email": "carol@example.com", "avatarUrl": None}


def test_logging_in_shows_the_avatar(client: FlaskClient, alice: Person, resolve: Callable[..., FakeResolver]) -> None:
    resolve(PUBLIC)
    set_avatar(alice)

    body = log_in(client, username="alice", password=PASSWORD).get_json()

    assert body["data"]["user"]["avatarUrl"] == URL


@pytest.mark.parametrize("name", ["alice", "ALICE", "alice@example.com"])
def test_one_may_log_in_by_name_or_address(client: FlaskClient, alice: Person, name: str) -> None:
    assert log_in(client, username=name, password=PASSWORD).status_code == 200


@pytest.mark.parametrize(
    ("username", "password", "language", "said"),
    [
        ("nobody", PASSWORD, "zh", "用户不存在"),
        ("alice", "wrong password", "zh", "密码错误"),
        ("nobody", PASSWORD, "en", "There is no such account"),
        ("alice", "wrong password", "en", "The password is wrong"),
        ("😀\0", "\0", "zh", "用户不存在"),
    ],
)
def test_a_failed_login_says_which_half_was_wrong(
    client: FlaskClient, alice: Person, username: str, password: str, language: str, said: str
) -> None:
    body = {"username": username, "password": password}

    response = client.post("/login", json=body, headers={"Accept-Language": language})

    found = response.get_json()
    assert response.status_code == found["code"] == 401
    assert (found["msg"], found["error"], found["data"]) == (said, "Invalid username or password", None)


@ONLY_SQLITE
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "alice"},
        {"password": "x"},
        {"username": 7, "password": "x"},
        {"username": "alice", "password": None},
        {"username": "", "password": "x"},
        {"username": "x" * 255, "password": "x"},
        {"username": "alice", "password": "x" * 129},
        {"username": "alice", "password": "x", "admin": True},
    ],
    ids=str,
)
def test_logging_in_with_bad_input_is_a_malformed_request(client: FlaskClient, body: dict[str, Any]) -> None:
    response = log_in(client, **body)

    found = response.get_json()
    assert response.status_code == found["code"] == 400
    assert (found["msg"], found["error"]) == ("请求数据格式错误", "Invalid request")


@pytest.mark.parametrize("scheme", ["", "Bearer ", "bearer "])
def test_a_token_may_come_bare_or_with_bearer(alice: Person, scheme: str) -> None:
    response = alice.client.get("/auth/getavatar", headers={"Authorization": scheme + alice.token})

    assert response.status_code == 200


@ONLY_SQLITE
@pytest.mark.parametrize(("headers", "said"), [({}, "请求头中缺少Token"), ({"Authorization": "forged"}, "无效的Token")])
@pytest.mark.parametrize(("method", "path"), [("POST", "/auth/setavatar"), ("GET", "/auth/getavatar")])
def test_without_a_good_token_the_avatar_is_refused(
    client: FlaskClient, headers: dict[str, str], said: str, method: str, path: str
) -> None:
    response = client.open(path, method=method, headers=headers)

    assert (response.status_code, response.get_json()["code"], response.get_json()["msg"]) == (401, 401, said)


def test_changing_the_avatar_answers_as_documented(alice: Person, resolve: Callable[..., FakeResolver]) -> None:
    resolver = resolve(PUBLIC)

    response = set_avatar(alice)

    assert response.get_json() == {"code": 200, "msg": "头像更新成功", "data": URL}
    assert resolver.asked == ["example.org"]


def test_the_avatar_is_told_as_documented(alice: Person, resolve: Callable[..., FakeResolver]) -> None:
    resolve(PUBLIC)
    set_avatar(alice)

    assert alice.call("GET", "/auth/getavatar").get_json() == {"code": 200, "msg": "获取头像成功", "data": URL}


def test_who_has_no_avatar_gets_null(alice: Person) -> None:
    assert alice.call("GET", "/auth/getavatar").get_json() == {"code": 200, "msg": "获取头像成功", "data": None}


def test_everybody_has_an_avatar_of_their_own(alice: Person, bob: Person, resolve: Callable[..., FakeResolver]) -> None:
    resolve(PUBLIC)

    set_avatar(alice)

    assert (get_avatar(alice), get_avatar(bob)) == (URL, None)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org",
        "https://example.org:8443/a?b=c#d",
        "https://bücher.example/图.png",
        "https://e.org/" + "x" * 2034,
    ],
)
def test_an_avatar_is_any_http_url_of_the_open_internet(
    alice: Person, resolve: Callable[..., FakeResolver], url: str
) -> None:
    resolve(PUBLIC, "2606:2800:220:1::1")

    response = set_avatar(alice, url)

    assert (response.status_code, get_avatar(alice)) == (200, url)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.5",
        "172.16.1.1",
        "192.168.1.1",
        "169.254.169.254",
        "168.63.129.16",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - no interface to listen on
        "224.0.0.1",
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
    ],
)
def test_an_avatar_that_leads_into_a_private_network_is_refused(
    alice: Person, resolve: Callable[..., FakeResolver], address: str
) -> None:
    resolve(PUBLIC, address)

    response = set_avatar(alice)

    assert (response.status_code, fields_of(response)) == (400, ["url"])
    assert response.get_json()["fields"][0]["code"] == "fetch_refused"
    assert get_avatar(alice) is None


@ONLY_SQLITE
@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "http://[::1]/", "http://2130706433/", "http://0x7f.1/", "http://localhost/", "http://0/"],
)
def test_no_way_to_write_this_machines_address_helps(alice: Person, url: str) -> None:
    assert set_avatar(alice, url).status_code == 400


@ONLY_SQLITE
def test_a_name_that_nobody_knows_is_refused(app: Flask, alice: Person) -> None:
    def fail(*_: object, **__: object) -> list[tuple[Any, ...]]:
        raise OSError("no such name")

    object.__setattr__(app.extensions["darkroom"], "addresses", Addresses(resolve=fail))

    response = set_avatar(alice)

    assert response.status_code == 400
    assert response.get_json()["fields"][0]["code"] == "unresolvable"


@ONLY_SQLITE
@pytest.mark.parametrize(
    "url",
    [
        None,
        7,
        ["https://example.org"],
        "",
        "example.org/a.png",
        "/generated_outputs/a.png",
        "ftp://example.org/a",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "https://",
        "https:///a",
        "https://user@example.org/a",
        "https://[::1",
        "https://example.org:99999/a",
        "https://" + "a" * 64 + ".example/",
        "https://example.org/\0",
        "https://e.org/" + "x" * 2035,
        "https://e.org/" + "x" * 1_000_000,
    ],
    ids=lambda url: str(url)[:30],
)
def test_what_is_no_http_url_is_no_avatar(alice: Person, resolve: Callable[..., FakeResolver], url: object) -> None:
    resolve(PUBLIC)

    response = set_avatar(alice, url)

    assert response.status_code == 400
    assert fields_of(response) == ["url"]
    assert get_avatar(alice) is None


def test_the_documented_token_in_the_body_changes_nothing(
    alice: Person, bob: Person, resolve: Callable[..., FakeResolver]
) -> None:
    resolve(PUBLIC)

    response = set_avatar(alice, token=bob.token)

    assert response.status_code == 200
    assert (get_avatar(alice), get_avatar(bob)) == (URL, None)


@ONLY_SQLITE
def test_an_unknown_field_beside_the_avatar_is_refused(alice: Person) -> None:
    response = set_avatar(alice, URL, user_id=1)

    assert (response.status_code, fields_of(response)) == (400, ["user_id"])


@pytest.fixture
def without_database(settings: Settings) -> Iterator[FlaskClient]:
    away = SecretStr(f"mysql://nobody@127.0.0.1:{free_port()}/nothing")
    app = create_app(Settings(_env_file=None, **{**settings.model_dump(), "database_url": away}))
    yield app.test_client()
    app.extensions["darkroom"].close()
    with app.app_context():
        sql.engine.dispose()


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("method", "path", "said", "english"),
    [
        ("POST", "/register", "用户创建失败", "Failed to create user"),
        ("POST", "/login", "数据库查询错误", "Failed to create session"),
        ("POST", "/auth/setavatar", "更新头像失败", "The avatar could not be changed"),
        ("GET", "/auth/getavatar", "查询头像失败", "The avatar could not be read"),
    ],
)
def test_without_the_database_each_route_fails_in_its_documented_words(
    without_database: FlaskClient, alice: Person, method: str, path: str, said: str, english: str
) -> None:
    bodies = {"/register": CAROL, "/login": {"username": "carol", "password": PASSWORD}}

    response = Person(without_database, "alice", alice.token).call(method, path, json=bodies.get(path, {"url": URL}))

    found = response.get_json()
    assert response.status_code == found["code"] == 503
    assert (found["msg"], found["error"], found["reason"]) == (said, english, "unavailable")
    assert response.headers["Retry-After"]
