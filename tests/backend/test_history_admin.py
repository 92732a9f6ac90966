"""What an administrator sees of somebody else's history: that there are tasks, not what they show."""

from typing import Any

import pytest
from sqlalchemy import Engine

from shared.lifecycle import Status
from tests.backend.conftest import Person
from tests.backend.records import add_records, ask, listed, make_admin, problem, walked


@pytest.fixture
def admin(bob: Person, engine: Engine) -> Person:
    make_admin(engine, bob)
    return bob


def test_an_administrator_can_ask_for_an_accounts_list(admin: Person, alice: Person, engine: Engine) -> None:
    add_records(engine, admin, {})
    ids = add_records(engine, alice, {"seed": 1}, {"seed": 2}, {"seed": 1})

    assert listed(admin, user="alice") == ids
    assert listed(admin, user="ALICE", seed=1) == [ids[0], ids[2]]
    assert walked(admin, user="alice", limit=2, sort="seed", order="desc") == [[ids[1], ids[2]], [ids[0]]]


def test_others_prompts_and_pictures_are_not_shown(admin: Person, alice: Person, engine: Engine) -> None:
    secret = {"prompt": "secret", "images": [{"id": "https://secret", "key": "secret"}], "files": 2}
    add_records(engine, alice, {**secret, "parameters": {"steps": 2, "negative_prompt": "secret"}})

    response = ask(admin, user="alice")

    [found] = response.get_json()["data"]
    assert (found["prompt"], found["parameters"]) == ("", {"steps": 2, "negative_prompt": ""})
    assert found["results"] == found["result_urls"] == found["images"] == []
    assert (found["result_url"], found["preview_url"], found["state"]) == (None, None, "completed")
    assert "secret" not in response.get_data(as_text=True)


def test_an_administrator_sees_everything_of_the_own_list(admin: Person, engine: Engine) -> None:
    [task] = add_records(engine, admin, {"prompt": "mine"})

    [found] = ask(admin, user=admin.account, prompt="min", sort="prompt").get_json()["data"]

    assert (found["prompt"], found["result_url"]) == ("mine", f"/generated_outputs/{task}.png")


@pytest.mark.parametrize(("field", "query"), [("prompt", {"prompt": "a"}), ("sort", {"sort": "prompt"})])
def test_what_is_not_shown_cannot_be_found_out_by_searching(
    admin: Person, alice: Person, engine: Engine, field: str, query: dict[str, Any]
) -> None:
    add_records(engine, alice, {"prompt": "a"}, {"prompt": "b"})

    assert problem(ask(admin, user="alice", **query)) == (400, field, "exclusive")


@pytest.mark.parametrize("account", ["nobody", "alice@example.com", "😀", "'; --", "a" * 64])
def test_an_unknown_account_is_not_found(admin: Person, alice: Person, account: str) -> None:
    response = ask(admin, user=account)

    assert (response.status_code, response.get_json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("account", ["alice", "bobby", "nobody"])
def test_nobody_else_may_name_an_account(alice: Person, bob: Person, account: str) -> None:
    response = ask(alice, user=account)

    assert (response.status_code, response.get_json()["error"]["code"]) == (403, "forbidden")


def test_an_administrator_deletes_only_own_records(admin: Person, alice: Person, engine: Engine) -> None:
    [task] = add_records(engine, alice, {"status": Status.FAILED})

    response = admin.call("POST", "/api/v1/user/generation_list", json={"task_id": task})

    assert response.status_code == 404
    assert listed(alice) == [task]
