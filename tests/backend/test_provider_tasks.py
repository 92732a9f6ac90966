"""Tasks for a user's own provider: what is taken, and what is refused."""

from typing import Any

import pytest
from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session

from shared import clock, db
from shared.claims import Claims
from shared.models import ProviderKey, User
from tests.backend.conftest import Person, poll
from tests.fakes.board import FakeQueue
from tests.orders import row


def give_key(engine: Engine, person: Person, api_name: str = "mine") -> None:
    with Session(engine) as session, db.writing(session):
        owner = session.scalars(select(User.id).where(User.account == person.account)).one()
        session.add(
            ProviderKey(
                user_id=owner,
                api_name=api_name,
                model_name="painter-1",
                base_url="https://provider.example/v1",
                encrypted_key="-",
                last_four="-",
                vault_version="-",
                updated_at=clock.now(),
            )
        )


def test_a_task_for_a_provider_says_what_it_is_asked_for(alice: Person, engine: Engine) -> None:
    give_key(engine, alice)

    body = alice.submit(parameters={"provider": "mine", "num_images": 2}).get_json()

    expected = {"provider": "mine", "model": "painter-1", "width": 1024, "height": 1024, "num_images": 2}
    assert body["data"]["parameters"] == expected
    assert poll(alice, body["data"]["task_id"])["parameters"] == expected


def test_another_model_of_the_provider_may_be_named(alice: Person, engine: Engine) -> None:
    give_key(engine, alice)

    body = alice.submit(parameters={"provider": "mine", "model": "painter-2"}).get_json()

    assert body["data"]["parameters"]["model"] == "painter-2"


def test_it_waits_for_the_threads_that_ask_providers_and_no_hint_is_sent(
    alice: Person, engine: Engine, worker: Claims
) -> None:
    give_key(engine, alice)
    queue = FakeQueue()
    object.__setattr__(alice.client.application.extensions["darkroom"], "queue", queue)

    task = alice.submit(parameters={"provider": "mine"}).get_json()["data"]["task_id"]

    assert queue.sent == []
    assert worker.claim("gpu", lambda model: 1) == []
    assert [claim.public_id for claim in worker.claim("io", lambda model: 1)] == [task]


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("parameters.provider", {"parameters": {"provider": "nobodys"}}),
        ("parameters.provider", {"parameters": {"provider": "bobs"}}),
        ("parameters.provider", {"parameters": {"provider": ""}}),
        ("parameters.provider", {"parameters": {"provider": 5}}),
        ("parameters.provider", {"parameters": {"provider": "x" * 101}}),
        ("parameters.provider", {"parameters": {"provider": "😀\0"}}),
        ("parameters.steps", {"parameters": {"provider": "mine", "steps": 5}}),
        ("parameters.seed", {"parameters": {"provider": "mine", "seed": 5}}),
        ("parameters.strength", {"parameters": {"provider": "mine", "strength": 0.5}}),
        ("parameters.width", {"parameters": {"provider": "mine", "width": 63}}),
        ("parameters.height", {"parameters": {"provider": "mine", "height": 4097}}),
        ("parameters.num_images", {"parameters": {"provider": "mine", "num_images": 9}}),
        ("type", {"type": "t2v", "parameters": {"provider": "mine"}}),
        ("images", {"image": "ref_1", "parameters": {"provider": "mine"}}),
    ],
    ids=str,
)
def test_a_request_that_no_provider_can_do_names_the_field(
    alice: Person, bob: Person, engine: Engine, field: str, body: dict[str, Any]
) -> None:
    give_key(engine, alice)
    give_key(engine, bob, "bobs")

    response = alice.submit(**body)

    assert response.status_code == 400
    assert response.get_json()["error"]["fields"][0]["field"] == field


def test_without_its_key_a_task_is_not_tried_again(alice: Person, engine: Engine, worker: Claims) -> None:
    give_key(engine, alice)
    task = alice.submit(parameters={"provider": "mine"}).get_json()["data"]["task_id"]
    [claim] = worker.claim("io", lambda model: 1)
    worker.fail(claim, "provider_timeout")
    failed = poll(alice, task)
    with db.write(engine) as connection:
        connection.execute(delete(ProviderKey))

    response = alice.call("POST", f"/api/v1/generation/{task}/retry")

    assert failed["error"]["code"] == "provider_timeout"
    assert (response.status_code, row(engine, task).status) == (400, "failed")
