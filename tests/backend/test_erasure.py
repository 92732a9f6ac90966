"""Closing an account for good: what happens at once. Workers do the rest (tests/worker/test_eraser.py)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from werkzeug.test import TestResponse

from shared.claims import Claims
from shared.lifecycle import Status
from shared.models import User, VerificationCode
from shared.progress import ProgressBoard, redis_client
from shared.settings import Settings
from shared.storage import LocalStorage
from tests.backend.admin import BAD_TEXTS, call, change, entries, of_user, refused
from tests.backend.conftest import PASSWORD, Person, log_in
from tests.backend.made import Link, Made, make
from tests.backend.records import id_of
from tests.backend.test_admin_page import LOGIN, Browser
from tests.backend.trash import items
from tests.belongings import fill
from tests.orders import row
from tests.worker.test_cleaner import add, code
from worker.eraser import Eraser

PATH = "/api/v1/user/account"
OF_SQLITE = pytest.mark.parametrize("stack", ["sqlite"], indirect=True)


def leave(person: Person, password: Any = PASSWORD) -> TestResponse:
    return person.call("DELETE", PATH, json={"password": password})


def user(engine: Engine, id: int) -> Any:
    with engine.connect() as connection:
        return connection.execute(select(User).where(User.id == id)).one_or_none()


def test_who_leaves_is_nobody_at_once_and_told_by_when_all_is_gone(
    alice: Person, bob: Person, client: FlaskClient, engine: Engine
) -> None:
    id = id_of(engine, alice)

    response = leave(alice)

    data = response.get_json()["data"]
    took = datetime.fromisoformat(data["done_by"]) - datetime.fromisoformat(data["erased_at"])
    assert (response.status_code, took) == (202, timedelta(hours=1))
    known = user(engine, id)
    assert not any("alice" in str(value) for value in known)
    assert (known.role, known.password_hash, known.erased_at is not None) == ("user", "-", True)
    assert refused(alice.call("GET", "/api/v1/user/usage")) == (401, "token_revoked")
    login = client.post("/api/v1/auth/login", json={"account": "alice", "password": PASSWORD})
    assert refused(login) == (401, "login_failed")
    assert bob.call("GET", "/api/v1/user/usage").status_code == 200


@OF_SQLITE
def test_name_and_address_can_be_had_again_at_once(alice: Person, client: FlaskClient) -> None:
    leave(alice)

    again = client.post(
        "/api/v1/auth/register", json={"account": "alice", "email": "alice@example.com", "password": PASSWORD}
    )

    assert again.status_code == 200
    assert log_in(client, "alice")


@OF_SQLITE
def test_codes_that_were_mailed_to_the_address_go_too(alice: Person, engine: Engine) -> None:
    add(engine, code("alice@example.com", seconds=-60), code("bobby@example.com", seconds=-60))

    leave(alice)

    with engine.connect() as connection:
        assert connection.scalars(select(VerificationCode.address)).all() == ["bobby@example.com"]


@OF_SQLITE
def test_another_password_erases_nothing(alice: Person, engine: Engine) -> None:
    response = leave(alice, "wrong")

    assert refused(response) == (401, "login_failed")
    assert alice.call("GET", "/api/v1/user/usage").status_code == 200


@OF_SQLITE
def test_a_bad_body_is_refused_by_its_field(alice: Person) -> None:
    answers = [leave(alice, text) for text in BAD_TEXTS]
    unknown = alice.call("DELETE", PATH, json={"password": PASSWORD, "sure": True})

    assert {response.status_code for response in answers} <= {400, 401}
    assert refused(unknown) == (400, "invalid_request")
    assert alice.call("GET", "/api/v1/user/usage").status_code == 200


@pytest.mark.parametrize("limits", [True])
@OF_SQLITE
def test_passwords_are_not_guessed_here(alice: Person, settings: Settings) -> None:
    redis = redis_client(settings.redis_url)
    for key in redis.scan_iter("darkroom:logins:*"):
        redis.delete(key)

    wrong = leave(alice, "wrong").status_code
    [tries] = redis.keys("darkroom:logins:*")
    redis.set(tries.replace(":tries", ":pause"), "", ex=60)
    right = leave(alice)
    redis.delete(tries.replace(":tries", ":pause"))

    assert (wrong, refused(right)) == (401, (429, "too_many_requests"))


def test_what_waits_is_cancelled_and_what_runs_is_asked_to_stop(
    alice: Person, engine: Engine, worker: Claims, settings: Settings
) -> None:
    running, waiting = (alice.submit().get_json()["data"]["task_id"] for _ in range(2))
    [claim] = worker.claim("gpu", lambda model: 1)

    leave(alice)

    assert (row(engine, waiting).status, row(engine, running).cancel_requested) == (Status.CANCELLED, True)
    assert ProgressBoard(redis_client(settings.redis_url)).is_to_stop(running, claim.fence)


@pytest.fixture
def made(alice: Person, worker: Claims, settings: Settings) -> Made:
    return make(alice, worker, settings)


@OF_SQLITE
def test_signed_links_lead_nowhere_at_once(
    alice: Person, client: FlaskClient, engine: Engine, settings: Settings
) -> None:
    hers = fill(engine, LocalStorage(settings.data_dir / "files"), id_of(engine, alice))
    names = (f"{hers.done}.png", f"{hers.done}_thumb.webp", f"{hers.upload}.png")
    links = [*(Link(name).signed for name in names), items(alice)[0]["thumbnail_url"]]
    before = [client.get(link, buffered=True).status_code for link in links]

    leave(alice)

    assert (before, [client.get(link).status_code for link in links]) == ([200] * 4, [404] * 4)


@OF_SQLITE
def test_the_avatar_that_everybody_could_see_is_gone_at_once(
    alice: Person, client: FlaskClient, engine: Engine, settings: Settings
) -> None:
    fill(engine, LocalStorage(settings.data_dir / "files"), id_of(engine, alice))
    url = user(engine, id_of(engine, alice)).avatar_url
    before = client.get(url, buffered=True).status_code

    leave(alice)

    assert (before, client.get(url).status_code) == (200, 404)


def test_workers_then_remove_the_rest_and_others_keep_theirs(
    alice: Person, bob: Person, engine: Engine, settings: Settings, made: Made
) -> None:
    storage, ids = LocalStorage(settings.data_dir / "files"), [id_of(engine, who) for who in (alice, bob)]
    fill(engine, storage, ids[1])
    his = bob.call("GET", "/api/v1/user/usage").get_json()["data"]
    before = bob.call("GET", f"/api/v1/generation/{made.task}").get_json()

    leave(alice)
    gone = Eraser(engine, storage, forget=lambda claims: None, settle=0).advance()

    assert (gone, user(engine, ids[0])) == (1, None)
    assert list(storage.files("results/aa")) == []
    assert bob.call("GET", "/api/v1/user/usage").get_json()["data"] == his
    assert bob.call("GET", f"/api/v1/generation/{made.task}").get_json() == before
    assert refused(alice.call("GET", "/api/v1/user/usage")) == (401, "token_revoked")


def test_an_administrator_erases_somebody_and_the_log_has_no_name(
    admin: Person, alice: Person, engine: Engine, made: Made
) -> None:
    id = id_of(engine, alice)
    call(admin, "POST", f"/users/{id}/disable")
    call(admin, "POST", f"/users/{id}/enable")
    call(admin, "DELETE", f"/tasks/{made.task}")
    call(admin, "POST", "/failed/requeue", json={"since": "2020-01-01T00:00:00Z", "user": "ALICE"})

    response = call(admin, "DELETE", f"/users/{id}")

    assert response.status_code == 202
    name = f"erased@{id}"
    told = [(action, subject) for _, action, subject, _ in entries(engine)]
    of_user_ = [(action, name) for action in ("user.disable", "user.enable")]
    assert told == [*of_user_, ("task.cancel", made.task), ("tasks.requeue", name), ("user.erase", name)]
    assert entries(engine)[2][3]["user"] == name
    assert "alice" not in str(entries(engine)).lower()
    assert refused(call(admin, "GET", f"/users/{id}")) == (404, "not_found")
    assert [each["account"] for each in call(admin, "GET", "/users").get_json()["data"]] == ["root"]


@OF_SQLITE
def test_who_cannot_be_erased(admin: Person, alice: Person, engine: Engine) -> None:
    others = [call(admin, "DELETE", f"/users/{id}") for id in (999_999, 2**70)]
    own = call(admin, "DELETE", of_user(admin, engine))
    by_nobody = call(alice, "DELETE", of_user(admin, engine))
    last = leave(admin)

    assert [refused(response) for response in others] == [(404, "not_found")] * 2
    assert (refused(own), refused(by_nobody)) == ((409, "own_account"), (403, "forbidden"))
    assert refused(last) == (409, "last_admin")
    assert call(admin, "GET", "/users").status_code == 200


def test_of_two_last_administrators_who_leave_at_once_one_stays(
    admin: Person, alice: Person, engine: Engine, app: Flask
) -> None:
    change(engine, alice, role="admin")

    with ThreadPoolExecutor(2) as threads:
        answers = sorted(threads.map(lambda who: status(app, who), (admin, alice)))

    assert answers == [202, 409]


def status(app: Flask, person: Person) -> int:
    return leave(Person(app.test_client(), person.account, person.token)).status_code


@OF_SQLITE
def test_the_page_erases_who_is_meant(app: Flask, admin: Person, alice: Person, engine: Engine) -> None:
    browser, id = Browser(app.test_client()), id_of(engine, alice)
    browser.send("/login", LOGIN)
    path = f"/users/{id}"

    unmeant = browser.press(path, f"{path}/erase", confirmed="")
    still = user(engine, id).erased_at
    meant = browser.press(path, f"{path}/erase", confirmed="yes")

    assert (unmeant.status_code, still) == (400, None)
    assert "The account is closed." in meant.text
    assert user(engine, id).erased_at is not None
