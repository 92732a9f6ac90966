"""Administrators and other users: finding, making, changing them, shutting them out."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, select

from backend.services.orders import Order
from backend.wiring import services
from shared.claims import Claims
from shared.errors import AccountDisabled
from shared.generation import Kind
from shared.models import Share, User
from tests.backend.admin import BAD_TEXTS, call, change, entries, of_user, refused
from tests.backend.conftest import PASSWORD, Person, log_in, poll
from tests.backend.records import problem
from tests.orders import row

NEW = {"account": "carol", "email": "carol@example.org", "password": "open sesame"}


def test_users_are_listed_the_newest_first_page_by_page(admin: Person, alice: Person, bob: Person) -> None:
    first = call(admin, "GET", "/users?limit=2").get_json()
    second = call(admin, "GET", f"/users?limit=2&cursor={first['next_cursor']}").get_json()

    names = [[user["account"] for user in page["data"]] for page in (first, second)]
    assert names == [["bobby", "alice"], ["root"]]
    assert second["next_cursor"] is None


SEARCHES = {
    "search=LIC": {"alice"},
    "search=@example": {"alice", "bobby", "root"},
    "search=%25": set(),
    "search=_": set(),
    "role=admin": {"root"},
    "disabled=true": {"bobby"},
    "disabled=false&role=user": {"alice"},
    "search='; DROP TABLE users; --": set(),
}


def test_users_are_found(admin: Person, alice: Person, bob: Person, engine: Engine) -> None:
    call(admin, "POST", of_user(bob, engine, "/disable"))

    answers = {query: call(admin, "GET", f"/users?{query}").get_json()["data"] for query in SEARCHES}

    assert {query: {user["account"] for user in found} for query, found in answers.items()} == SEARCHES


def test_a_user_is_told_with_tasks_and_caps_and_without_password(admin: Person, alice: Person, engine: Engine) -> None:
    alice.submit()
    change(engine, alice, queue_cap=3)

    response = call(admin, "GET", of_user(alice, engine))

    user = response.get_json()["data"]
    assert (user["account"], user["email"], user["role"]) == ("alice", "alice@example.com", "user")
    assert (user["waiting"], user["running"], user["queue_cap"], user["running_cap"]) == (1, 0, 3, None)
    assert "hash" not in response.text
    assert "password" not in response.text


def test_a_user_is_created_with_a_role(admin: Person, client: FlaskClient, engine: Engine) -> None:
    response = call(admin, "POST", "/users", json={**NEW, "role": "admin"})

    assert (response.status_code, response.get_json()["data"]["role"]) == (200, "admin")
    assert log_in(client, "carol", "open sesame")
    assert entries(engine) == [("root", "user.create", "carol", {"role": "admin"})]
    assert "sesame" not in str(entries(engine))


BAD_NEW: list[tuple[dict[str, Any], str]] = [
    *(({name: value}, name) for name in NEW for value in BAD_TEXTS if (name, value) != ("password", "a\0b")),
    ({"account": "a@b"}, "account"),
    ({"email": "no address"}, "email"),
    ({"role": "emperor"}, "role"),
    ({"role": None}, "role"),
    ({"surprise": 1}, "surprise"),
]


def test_a_bad_new_user_is_refused_by_its_field(admin: Person, engine: Engine) -> None:
    answers = [call(admin, "POST", "/users", json={**NEW, **change}) for change, _ in BAD_NEW]

    expected = [(400, field) for change, field in BAD_NEW]
    assert [problem(answer)[:2] for answer in answers] == expected
    assert entries(engine) == []


@pytest.mark.parametrize(
    ("taken", "code"), [({"account": "ALICE"}, "account_taken"), ({"email": "alice@example.com"}, "email_taken")]
)
def test_a_name_and_an_address_are_taken_once(
    admin: Person, alice: Person, engine: Engine, taken: dict[str, str], code: str
) -> None:
    assert refused(call(admin, "POST", "/users", json={**NEW, **taken})) == (409, code)
    assert entries(engine) == []


def test_a_role_and_caps_are_changed_one_by_one(admin: Person, alice: Person, engine: Engine) -> None:
    path = of_user(alice, engine)
    call(admin, "PATCH", path, json={"queue_cap": 5, "running_cap": 0})

    response = call(admin, "PATCH", path, json={"role": "admin", "queue_cap": None})

    user = response.get_json()["data"]
    assert (user["role"], user["queue_cap"], user["running_cap"]) == ("admin", None, 0)
    assert call(alice, "GET", "/users").status_code == 200
    assert entries(engine)[1] == ("root", "user.change", "alice", {"role": "admin", "queue_cap": None})


BAD_CHANGES: list[tuple[dict[str, Any], str]] = [
    ({}, "body"),
    ({"role": "root"}, "role"),
    ({"role": None}, "role"),
    ({"queue_cap": -1}, "queue_cap"),
    ({"queue_cap": "5"}, "queue_cap"),
    ({"queue_cap": True}, "queue_cap"),
    ({"running_cap": 1.5}, "running_cap"),
    ({"running_cap": 100_001}, "running_cap"),
    ({"password_hash": "x"}, "password_hash"),
]


def test_a_bad_change_is_refused_by_its_field(admin: Person, alice: Person, engine: Engine) -> None:
    path = of_user(alice, engine)

    answers = [call(admin, "PATCH", path, json=body) for body, _ in BAD_CHANGES]

    assert [problem(answer)[:2] for answer in answers] == [(400, field) for _, field in BAD_CHANGES]
    assert entries(engine) == []


NOBODY = ("0", "999999", str(2**63 - 1), str(2**63), "9" * 400, "alice", "-1")
OF_A_USER = (("GET", ""), ("PATCH", ""), ("POST", "/disable"), ("POST", "/enable"), ("POST", "/password"))


def test_nobody_is_not_found(admin: Person, engine: Engine) -> None:
    asked = [(method, f"/users/{user_id}{rest}") for user_id in NOBODY for method, rest in OF_A_USER]

    answers = {refused(call(admin, method, path, json={"queue_cap": 1})) for method, path in asked}

    assert answers == {(404, "not_found")}
    assert entries(engine) == []


def test_nobody_takes_their_own_role_or_account(admin: Person, engine: Engine) -> None:
    demoted = call(admin, "PATCH", of_user(admin, engine), json={"role": "user"})
    disabled = call(admin, "POST", of_user(admin, engine, "/disable"))
    capped = call(admin, "PATCH", of_user(admin, engine), json={"role": "admin", "queue_cap": 1})

    assert (refused(demoted), refused(disabled)) == ((409, "own_account"), (409, "own_account"))
    assert capped.status_code == 200


def test_who_is_disabled_has_no_token_and_no_work_any_more(
    admin: Person, alice: Person, bob: Person, engine: Engine, worker: Claims
) -> None:
    running, waiting = (alice.submit().get_json()["data"]["task_id"] for _ in range(2))
    [claim] = worker.claim("gpu", lambda shape: 1)
    others = bob.submit().get_json()["data"]["task_id"]

    response = call(admin, "POST", of_user(alice, engine, "/disable"))

    assert response.get_json()["data"]["disabled_at"]
    assert refused(alice.call("GET", "/api/v1/models")) == (401, "token_revoked")
    assert refused(alice.call("GET", f"/api/v1/generation/{running}")) == (401, "token_revoked")
    assert (row(engine, waiting).status, row(engine, running).cancel_requested) == ("cancelled", True)
    assert worker.renew([(claim.id, claim.fence)]) == {(claim.id, claim.fence): True}
    assert poll(bob, others)["state"] == "queued"
    assert entries(engine) == [("root", "user.disable", "alice", {})]
    with engine.connect() as connection:
        assert len(connection.execute(select(Share.user_id)).all()) == 1


def test_who_is_disabled_twice_stays_so_since_the_first_time(admin: Person, alice: Person, engine: Engine) -> None:
    once, twice = (call(admin, "POST", of_user(alice, engine, "/disable")).get_json()["data"] for _ in range(2))

    assert once["disabled_at"] == twice["disabled_at"]


def test_who_is_enabled_logs_in_again_and_old_tokens_stay_dead(
    admin: Person, alice: Person, client: FlaskClient, engine: Engine
) -> None:
    call(admin, "POST", of_user(alice, engine, "/disable"))

    call(admin, "POST", of_user(alice, engine, "/enable"))

    assert alice.call("GET", "/api/v1/models").status_code == 401
    assert Person(client, "alice", log_in(client, "alice")).submit().status_code == 200
    assert [entry[1] for entry in entries(engine)] == ["user.disable", "user.enable"]


def test_a_submit_that_began_before_its_user_was_disabled_queues_nothing(
    alice: Person, engine: Engine, app: Flask
) -> None:
    with app.test_request_context():
        user_id = services().accounts.log_in("alice", PASSWORD).id
        change(engine, alice, disabled_at=select(User.created_at).scalar_subquery())
        with pytest.raises(AccountDisabled):
            services().generations.submit(user_id, Order(kind=Kind.TEXT_TO_IMAGE, prompt="a red circle"))


def test_a_one_time_password_is_shown_once_and_serves_once(
    admin: Person, alice: Person, client: FlaskClient, engine: Engine
) -> None:
    response = call(admin, "POST", of_user(alice, engine, "/password"))
    password = response.get_json()["data"]["password"]

    first = client.post("/api/v1/auth/login", json={"account": "alice", "password": password})
    second = client.post("/api/v1/auth/login", json={"account": "alice", "password": password})

    assert alice.call("GET", "/api/v1/models").status_code == 401
    assert (first.status_code, refused(second)) == (200, (401, "login_failed"))
    assert entries(engine) == [("root", "user.password", "alice", {})]


def test_a_one_time_password_is_the_old_one_when_another_is_chosen(
    admin: Person, alice: Person, client: FlaskClient, engine: Engine
) -> None:
    password = call(admin, "POST", of_user(alice, engine, "/password")).get_json()["data"]["password"]
    person = Person(client, "alice", log_in(client, "alice", password))
    body = {"old_password": password, "new_password": "my very own"}

    changed = person.call("POST", "/api/v1/user/reset-password", json=body)

    assert changed.status_code == 200
    assert [bool(log_in(client, "alice", "my very own")) for _ in range(2)] == [True, True]


def test_a_code_is_mailed(
    admin: Person, alice: Person, client: FlaskClient, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    response = call(admin, "POST", of_user(alice, engine, "/password/mail"))

    assert response.status_code == 200
    assert "alice@example.com" in capsys.readouterr().out
    assert log_in(client, "alice")
    assert entries(engine) == [("root", "user.mail_code", "alice", {})]


def test_a_cap_of_ones_own_is_instead_of_the_settings(admin: Person, alice: Person, engine: Engine) -> None:
    call(admin, "PATCH", of_user(alice, engine), json={"queue_cap": 1})

    answers = [alice.submit() for _ in range(2)]

    assert (answers[0].status_code, refused(answers[1])) == (200, (429, "queue_full"))
    assert "1" in answers[1].get_json()["message"]


BAD_QUERIES = {
    "cursor=bad": "cursor",
    "limit=0": "limit",
    "limit=201": "limit",
    "role=x": "role",
    "disabled=maybe": "disabled",
    "search=": "search",
    "search=a%00b": "search",
    "page=1": "page",
    "role=user&role=admin": "role",
}


def test_a_bad_query_is_refused_by_its_field(admin: Person) -> None:
    answers = {query: problem(call(admin, "GET", f"/users?{query}"))[:2] for query in BAD_QUERIES}

    assert answers == {query: (400, field) for query, field in BAD_QUERIES.items()}
