"""v1's change of the e-mail address, on both stacks."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from shared.models import User
from tests.backend.conftest import Person, log_in

CHANGE, TASK = "/api/v1/user/reset-email", "/api/v1/generation/task_1"
NEW = "newtest@example.com"


def change(person: Person, new: object) -> TestResponse:
    return person.call("POST", CHANGE, json={"new_email": new})


def kept(engine: Engine) -> dict[str, str]:
    with Session(engine) as session:
        return dict(session.execute(select(User.account, User.email)).all())


def test_changing_the_address_answers_as_documented(alice: Person) -> None:
    body = change(alice, NEW).get_json()

    assert body == {"code": 200, "message": "成功修改邮箱", "data": {"email": NEW}}


def test_one_logs_in_with_the_new_address_and_no_longer_with_the_former(alice: Person) -> None:
    change(alice, NEW)

    former = alice.client.post("/api/v1/auth/login", json={"account": "alice@example.com", "password": "User@1234"})

    assert log_in(alice.client, NEW)
    assert former.status_code == 401


def test_the_login_goes_on(alice: Person) -> None:
    change(alice, NEW)

    assert alice.call("GET", TASK).status_code == 404


@pytest.mark.parametrize("taken", ["bobby@example.com", "Bobby@Example.com"])
def test_somebody_elses_address_is_a_conflict_with_the_documented_code(
    alice: Person, bob: Person, engine: Engine, taken: str
) -> None:
    response = change(alice, taken)

    body = response.get_json()
    assert (response.status_code, body["code"], body["error"]["code"]) == (409, 401, "new_email_taken")
    assert body["message"] == "邮箱重复"
    assert kept(engine) == {"alice": "alice@example.com", "bobby": "bobby@example.com"}


def test_an_address_is_kept_in_lower_case(alice: Person, engine: Engine) -> None:
    body = change(alice, "NewTest@Example.COM").get_json()

    assert body["data"]["email"] == kept(engine)["alice"] == NEW


@pytest.mark.parametrize("same", ["alice@example.com", "ALICE@example.com"])
def test_ones_own_address_is_no_conflict(alice: Person, same: str) -> None:
    response = change(alice, same)

    assert (response.status_code, response.get_json()["data"]["email"]) == (200, "alice@example.com")


def test_the_same_change_twice_is_one(alice: Person) -> None:
    answers = [change(alice, NEW).get_json() for _ in range(2)]

    assert answers[0] == answers[1]


def test_an_address_that_was_given_up_can_be_taken(alice: Person, bob: Person) -> None:
    change(alice, NEW)

    assert change(bob, "alice@example.com").status_code == 200


def test_of_two_who_want_an_address_at_once_one_gets_it(alice: Person, bob: Person, engine: Engine) -> None:
    application = alice.client.application
    people = [Person(application.test_client(), person.account, person.token) for person in (alice, bob)]

    with ThreadPoolExecutor(2) as threads:
        answers = [response.status_code for response in threads.map(lambda person: change(person, NEW), people)]

    assert sorted(answers) == [200, 409]
    assert kept(engine)[people[answers.index(200)].account] == NEW


@pytest.mark.parametrize(
    "new", ["😀@example.com", "卡罗尔@example.com", "a@bücher.example.com", "o'neil+x@example.com"]
)
def test_any_real_address_is_taken(alice: Person, engine: Engine, new: str) -> None:
    assert change(alice, new).get_json()["data"]["email"] == kept(engine)["alice"] == new


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # nothing of this reaches a database
@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("new_email", {}),
        ("new_email", {"new_email": ""}),
        ("new_email", {"new_email": None}),
        ("new_email", {"new_email": 7}),
        ("new_email", {"new_email": [NEW]}),
        ("new_email", {"new_email": {"email": NEW}}),
        ("new_email", {"new_email": "no address"}),
        ("new_email", {"new_email": f" {NEW}"}),
        ("new_email", {"new_email": f"Alice <{NEW}>"}),
        ("new_email", {"new_email": f"{NEW}\r\nBcc: bob@example.com"}),
        ("new_email", {"new_email": "new\0@example.com"}),
        ("new_email", {"new_email": "a" * 250 + "@example.com"}),
        ("new_email", {"new_email": "a" * 1_000_000 + "@example.com"}),
        ("user_id", {"new_email": NEW, "user_id": 1}),
        ("body", []),
        ("body", NEW),
    ],
)
def test_an_address_that_is_not_valid_names_the_field_and_changes_nothing(
    alice: Person, engine: Engine, field: str, body: object
) -> None:
    response = alice.call("POST", CHANGE, json=body)

    found = response.get_json()
    assert (response.status_code, found["code"], found["data"]) == (400, 400, None)
    assert [problem["field"] for problem in found["error"]["fields"]] == [field]
    assert kept(engine) == {"alice": "alice@example.com"}


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("data", "status"), [(b"{", 400), (b"\xff", 400), (b"", 400), (b" " * 2_000_000, 413)])
def test_a_body_that_is_no_json_is_refused(alice: Person, data: bytes, status: int) -> None:
    response = alice.call("POST", CHANGE, data=data, content_type="application/json")

    assert (response.status_code, response.get_json()["code"]) == (status, status)
