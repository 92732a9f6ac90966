"""How often a client may do what, in every contract, on both stacks."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr
from redis import Redis
from werkzeug.test import TestResponse

from backend import create_app, limiting
from backend.services.patience import FREE_TRIES, LONGEST_PAUSE_SECONDS, WINDOW_SECONDS, Patience
from shared.errors import TooMany
from shared.progress import redis_client
from shared.settings import Settings
from tests.backend.conftest import PASSWORD, Person
from tests.servers import free_port

TIGHT = {f"limit_{name}": "2/hour" for name in ("register", "login", "code", "captcha", "generate")}
REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/api/v1/auth/register", {"json": {}}),
    ("POST", "/api/auth/register", {"data": {"x": "y"}}),
    ("POST", "/register", {"json": {}}),
    ("POST", "/signup", {"json": {}}),
    ("POST", "/api/v1/auth/login", {"json": {}}),
    ("POST", "/api/auth/login", {"json": {}}),
    ("POST", "/login", {"json": {}}),
    ("POST", "/api/v1/auth/forgot-password", {"json": {}}),
    ("POST", "/api/v1/auth/reset-password", {"json": {}}),
    ("POST", "/auth/send-code", {"json": {}}),
    ("POST", "/auth/verify-code", {"json": {}}),
    ("POST", "/auth/reset-password", {"json": {}}),
    ("GET", "/captcha", {}),
    ("GET", "/captcha/some", {}),
    ("POST", "/api/v1/generation", {"json": {}}),
    ("POST", "/api/v1/images/generate-test", {"json": {}}),
    ("POST", "/auth/generate", {"json": {}}),
]


@pytest.fixture
def limits() -> bool:
    return True


@pytest.fixture
def rates() -> dict[str, str]:
    return TIGHT


@pytest.fixture
def settings(settings: Settings, rates: dict[str, str]) -> Settings:
    return settings.model_copy(update=rates)


@pytest.fixture(autouse=True)
def redis(settings: Settings) -> Iterator[Redis]:
    """Nobody has asked for anything yet."""
    client = redis_client(settings.redis_url)
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


@pytest.fixture
def without_redis(settings: Settings) -> Iterator[Flask]:
    away = SecretStr(f"redis://127.0.0.1:{free_port()}/0")
    app = create_app(Settings(_env_file=None, **{**settings.model_dump(), "broker_url": away}))
    yield app
    app.extensions["darkroom"].close()


def log_in(client: FlaskClient, name: str = "alice", password: str = PASSWORD, **options: Any) -> TestResponse:
    return client.post("/login", json={"username": name, "password": password}, **options)


def statuses(ask: Callable[[], TestResponse], times: int) -> list[int]:
    return [ask().status_code for _ in range(times)]


def skip_pause(redis: Redis) -> None:
    """As if it had passed."""
    for key in redis.scan_iter("darkroom:logins:*:pause"):
        redis.delete(key)


def pause_left(redis: Redis) -> int:
    [key] = redis.scan_iter("darkroom:logins:*:pause")
    return int(redis.ttl(key))


@pytest.mark.parametrize(("method", "path", "options"), REQUESTS, ids=[f"{r[0]} {r[1]}" for r in REQUESTS])
def test_after_the_last_allowed_request_every_contract_answers_429(
    alice: Person, method: str, path: str, options: dict[str, Any]
) -> None:
    answers = [alice.call(method, path, **options) for _ in range(3)]

    assert [answer.status_code == 429 for answer in answers] == [False, False, True]
    assert 3500 < int(answers[-1].headers["Retry-After"]) <= 3600


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/v1/auth/login", {"code": 429, "message": "请求过于频繁，请稍后再试", "data": None}),
        ("/api/auth/login", {"status": "error", "message": "请求过于频繁，请稍后再试"}),
        ("/login", {"code": 429, "msg": "请求过于频繁，请稍后再试", "reason": "too_many_requests"}),
        ("/signup", {"error": "Too many requests, please wait a moment"}),
    ],
)
def test_each_contract_says_so_in_its_own_way(client: FlaskClient, path: str, expected: dict[str, Any]) -> None:
    statuses(lambda: client.post(path, json={}), 2)

    body = client.post(path, json={}).get_json()

    assert expected.items() <= body.items()


def test_one_limit_counts_for_all_contracts_together(client: FlaskClient) -> None:
    paths = ("/login", "/api/auth/login", "/api/v1/auth/login")

    answers = [client.post(path, json={}).status_code for path in paths]

    assert answers == [400, 400, 429]


def test_limits_do_not_count_for_each_other(client: FlaskClient) -> None:
    statuses(lambda: client.post("/login", json={}), 3)

    assert client.post("/register", json={}).status_code == 400


def test_every_address_has_a_limit_of_its_own(client: FlaskClient) -> None:
    def ask(address: str) -> TestResponse:
        return client.post("/login", json={}, environ_overrides={"REMOTE_ADDR": address})

    statuses(lambda: ask("192.0.2.1"), 3)

    assert [ask("192.0.2.1").status_code, ask("192.0.2.2").status_code] == [429, 400]


def test_the_addresses_of_one_ipv6_network_count_as_one(client: FlaskClient) -> None:
    def ask(address: str) -> int:
        return client.post("/login", json={}, environ_overrides={"REMOTE_ADDR": address}).status_code

    answers = [ask(address) for address in ("2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1")]

    assert answers == [400, 400, 429, 400]


def test_every_user_has_a_limit_of_their_own_for_tasks(alice: Person, bob: Person) -> None:
    answers = [*statuses(alice.submit, 3), bob.submit().status_code]

    assert answers == [200, 200, 429, 200]


def test_who_has_no_good_token_does_not_use_up_a_users_tasks(alice: Person) -> None:
    forged = statuses(lambda: alice.client.post("/api/v1/generation", json={}), 3)

    assert [*forged, alice.submit().status_code] == [401, 401, 401, 200]


def test_of_many_requests_at_once_only_so_many_pass(app: Flask, alice: Person) -> None:
    def submit(_: int) -> int:
        return Person(app.test_client(), alice.account, alice.token).submit().status_code

    with ThreadPoolExecutor(8) as threads:
        answers = sorted(threads.map(submit, range(8)))

    assert answers == [200] * 2 + [429] * 6


def test_all_processes_count_together(app: Flask, settings: Settings) -> None:
    other = create_app(settings)

    statuses(lambda: app.test_client().post("/login", json={}), 2)

    other.extensions["darkroom"].close()
    assert other.test_client().post("/login", json={}).status_code == 429


def test_only_what_is_limited_is_counted(alice: Person, redis: Redis) -> None:
    answers = statuses(lambda: alice.call("GET", "/auth/getavatar"), 20)
    before = list(redis.scan_iter("LIMITS*"))

    alice.submit()

    assert set(answers) == {200}
    assert (before, len(list(redis.scan_iter("LIMITS*")))) == ([], 1)


def test_every_limit_of_a_route_is_a_known_one(app: Flask) -> None:
    named = {name for api in app.extensions["apis"] for terms in api.contracts.values() for name in terms.limits}

    known: limiting.Limits = app.extensions["darkroom_limits"]
    assert named == known.names


def test_a_limited_route_documents_its_429(client: FlaskClient) -> None:
    paths = client.get("/openapi/gin.json").get_json()["paths"]

    assert "429" in paths["/auth/generate"]["post"]["responses"]
    assert "429" not in paths["/auth/getavatar"]["get"]["responses"]


class TestWithoutLimits:
    """LIMITS is off."""

    @pytest.fixture
    def limits(self) -> bool:
        return False

    @pytest.mark.parametrize(("method", "path", "options"), REQUESTS, ids=[f"{r[0]} {r[1]}" for r in REQUESTS])
    def test_nobody_is_held_up(self, alice: Person, method: str, path: str, options: dict[str, Any]) -> None:
        assert 429 not in statuses(lambda: alice.call(method, path, **options), 7)

    def test_failed_logins_are_not_counted(self, client: FlaskClient, alice: Person) -> None:
        answers = statuses(lambda: log_in(client, password="wrong"), FREE_TRIES + 2)

        assert set(answers) == {401}


class TestFailedSignUps:
    """An address has five in a minute."""

    @pytest.fixture
    def rates(self) -> dict[str, str]:
        return {"limit_register": "1000/hour", "limit_captcha": "1000/hour"}

    def test_after_five_the_address_is_told_to_wait(self, client: FlaskClient) -> None:
        answers = [client.post("/signup", json={}) for _ in range(6)]

        assert [answer.status_code for answer in answers] == [400] * 5 + [429]
        assert 50 <= int(answers[-1].headers["Retry-After"]) <= 60

    def test_those_that_succeed_do_not_count(self, client: FlaskClient, redis: Redis) -> None:
        def sign_up(number: int) -> int:
            captcha = client.get("/captcha").get_json()["captchaId"]
            about = {"username": f"carol{number}", "email": f"carol{number}@example.com", "password": PASSWORD}
            read = redis.get(f"darkroom:captcha:{captcha}")
            return client.post("/signup", json={**about, "captchaId": captcha, "value": read}).status_code

        assert [sign_up(number) for number in range(7)] == [200] * 7


class TestFailedLogins:
    """Of one account, from wherever they come."""

    @pytest.fixture
    def rates(self) -> dict[str, str]:
        return {"limit_login": "1000/minute"}

    def fail(self, client: FlaskClient, redis: Redis, times: int, name: str = "alice") -> list[int]:
        """With all the patience that it takes."""
        found = []
        for _ in range(times):
            skip_pause(redis)
            found.append(log_in(client, name, "wrong").status_code)
        return found

    @pytest.mark.parametrize("name", ["alice", "nobody", "nobody@example.com"])
    def test_after_five_the_next_has_to_wait_whether_the_account_is_known_or_not(
        self, client: FlaskClient, alice: Person, redis: Redis, name: str
    ) -> None:
        answers = self.fail(client, redis, FREE_TRIES, name)

        response = log_in(client, name)

        assert answers == [401] * FREE_TRIES
        assert response.status_code == 429
        assert response.headers["Retry-After"] == "1"

    @pytest.mark.parametrize(
        ("failures", "pause"),
        [(5, 1), (6, 2), (7, 4), (8, 8), (9, 16), (10, 32), (11, 60), (40, LONGEST_PAUSE_SECONDS)],
    )
    def test_the_pause_grows_up_to_a_minute(self, redis: Redis, failures: int, pause: int) -> None:
        patience = Patience(redis, enabled=True)
        for _ in range(failures):
            skip_pause(redis)
            patience.begin("alice")

        with pytest.raises(TooMany) as refusal:
            patience.begin("alice")

        assert refusal.value.retry_after == pause

    def test_during_a_pause_even_the_right_password_waits_and_no_try_is_counted(
        self, client: FlaskClient, alice: Person, redis: Redis
    ) -> None:
        self.fail(client, redis, FREE_TRIES + 3)

        answers = statuses(lambda: log_in(client), 3)

        assert answers == [429] * 3
        assert pause_left(redis) <= 8

    def test_the_right_password_after_the_pause_clears_it(
        self, client: FlaskClient, alice: Person, redis: Redis
    ) -> None:
        self.fail(client, redis, FREE_TRIES + 3)
        skip_pause(redis)

        answers = [log_in(client).status_code, *statuses(lambda: log_in(client, password="wrong"), FREE_TRIES)]

        assert answers == [200, *[401] * FREE_TRIES]

    def test_failures_count_for_a_quarter_of_an_hour(self, client: FlaskClient, alice: Person, redis: Redis) -> None:
        self.fail(client, redis, 1)

        [tries] = redis.scan_iter("darkroom:logins:*:tries")
        assert WINDOW_SECONDS == 900
        assert 890 < redis.ttl(tries) <= 900

    def test_all_names_of_an_account_count_together(self, client: FlaskClient, alice: Person, redis: Redis) -> None:
        self.fail(client, redis, 3, "ALICE")
        self.fail(client, redis, 2, "alice@example.com")

        assert log_in(client).status_code == 429

    def test_other_accounts_do_not_wait(self, client: FlaskClient, alice: Person, bob: Person, redis: Redis) -> None:
        self.fail(client, redis, FREE_TRIES)

        assert log_in(client, "bobby").status_code == 200

    def test_the_pause_is_for_all_contracts_and_addresses(
        self, client: FlaskClient, alice: Person, redis: Redis
    ) -> None:
        self.fail(client, redis, FREE_TRIES + 3)
        elsewhere = {"REMOTE_ADDR": "192.0.2.7"}

        answers = [
            client.post("/api/v1/auth/login", json={"account": "alice", "password": PASSWORD}),
            client.post("/api/auth/login", json={"username": "alice", "password": PASSWORD}),
            log_in(client, environ_overrides=elsewhere),
        ]

        assert [answer.status_code for answer in answers] == [429] * 3

    def test_of_many_tries_at_once_only_the_free_ones_are_compared(self, redis: Redis) -> None:
        patience = Patience(redis, enabled=True)

        def attempt(_: int) -> bool:
            try:
                patience.begin("alice")
            except TooMany:
                return False
            return True

        with ThreadPoolExecutor(16) as threads:
            passed = list(threads.map(attempt, range(16)))

        assert sum(passed) == FREE_TRIES

    def test_no_name_is_kept_in_the_open(self, client: FlaskClient, redis: Redis) -> None:
        self.fail(client, redis, 1, "secretname")

        assert [key for key in redis.scan_iter("*") if "secretname" in key] == []


class TestWithoutRedis:
    """Nobody is held up, and it is said once in a while."""

    def test_logins_go_on(self, without_redis: Flask, alice: Person) -> None:
        client = without_redis.test_client()

        answers = statuses(lambda: log_in(client), 3)
        wrong = statuses(lambda: log_in(client, password="wrong"), FREE_TRIES + 1)

        assert answers == [200] * 3
        assert set(wrong) == {401}

    def test_sign_ups_without_captcha_and_submits_go_on(self, without_redis: Flask, alice: Person) -> None:
        client = without_redis.test_client()
        here = Person(client, alice.account, alice.token)

        answers = [*statuses(lambda: client.post("/register", json={}), 3), *statuses(here.submit, 3)]

        assert answers == [400] * 3 + [200] * 3

    def test_it_is_logged_once_for_many_requests(
        self, without_redis: Flask, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limiting._seldom, "_silent_until", 0.0)
        client = without_redis.test_client()

        with caplog.at_level(logging.ERROR, "flask-limiter"):
            statuses(lambda: client.post("/login", json={}), 4)

        assert len([record for record in caplog.records if record.name == "flask-limiter"]) == 1


@pytest.mark.parametrize(
    ("proxies", "forwarded", "answers"),
    [
        (0, ["198.51.100.1", "198.51.100.2", "198.51.100.3"], [400, 400, 429]),  # anybody can write the header
        (1, ["198.51.100.1", "198.51.100.2", "198.51.100.3"], [400, 400, 400]),
        (1, ["x, 198.51.100.1", "y, 198.51.100.1", "z, 198.51.100.1"], [400, 400, 429]),  # only the last is the proxy's
    ],
)
def test_the_address_behind_a_proxy_is_believed_as_far_as_the_setting_says(
    settings: Settings, proxies: int, forwarded: list[str], answers: list[int]
) -> None:
    app = create_app(settings.model_copy(update={"trusted_proxies": proxies}))
    client = app.test_client()

    found = [client.post("/login", json={}, headers={"X-Forwarded-For": text}).status_code for text in forwarded]

    app.extensions["darkroom"].close()
    assert found == answers
