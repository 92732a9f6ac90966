"""The same Idempotency-Key and body give the same task."""

import threading
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from shared.claims import Claims
from tests.backend.conftest import Person


def submit(person: Person, key: str, **body: Any) -> TestResponse:
    order = {"type": "t2i", "prompt": "a red circle", **body}
    return person.call("POST", "/api/v1/generation", json=order, headers={"Idempotency-Key": key})


def task_of(response: TestResponse) -> str:
    found: str = response.get_json()["data"]["task_id"]
    return found


def count(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT COUNT(*) FROM tasks")).scalar_one())


def test_the_same_key_and_body_give_the_same_answer(alice: Person, engine: Engine) -> None:
    first, second = submit(alice, "k"), submit(alice, "k")

    assert first.get_json() == second.get_json()
    assert count(engine) == 1


def test_it_is_the_meaning_of_the_body_that_counts(alice: Person) -> None:
    first = submit(alice, "k", parameters={"width": 128, "seed": "7"})

    assert task_of(submit(alice, "k", parameters={"seed": 7, "width": 128})) == task_of(first)


def test_another_body_is_a_conflict_and_queues_nothing(alice: Person, engine: Engine) -> None:
    submit(alice, "k")

    response = submit(alice, "k", prompt="a blue square")

    assert (response.status_code, response.get_json()["error"]["code"]) == (409, "idempotency_mismatch")
    assert count(engine) == 1


def test_keys_of_two_people_have_nothing_to_do_with_each_other(alice: Person, bob: Person) -> None:
    assert task_of(submit(alice, "k")) != task_of(submit(bob, "k", prompt="another one"))


def test_a_key_still_counts_when_its_task_has_ended(alice: Person, worker: Claims) -> None:
    task = task_of(submit(alice, "k"))
    [claim] = worker.claim("gpu", lambda model: 1)
    worker.fail(claim, "generation_failed")

    assert task_of(submit(alice, "k")) == task


def test_eight_at_once_queue_one_task(alice: Person, app: Flask, engine: Engine) -> None:
    answers: list[TestResponse] = []

    def submit_once() -> None:
        answers.append(submit(Person(app.test_client(), "alice", alice.token), "k"))

    threads = [threading.Thread(target=submit_once) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {response.status_code for response in answers} == {200}
    assert len({task_of(response) for response in answers}) == 1
    assert count(engine) == 1


@pytest.mark.parametrize("key", ["x" * 256, "x" * 10_000, ""])
def test_a_key_of_the_wrong_length_is_refused(alice: Person, engine: Engine, key: str) -> None:
    response = submit(alice, key)

    assert response.status_code == 400
    assert response.get_json()["error"]["fields"][0]["field"] == "Idempotency-Key"
    assert count(engine) == 0


@pytest.mark.parametrize("key", ["' OR 1=1 --", "ключ", "😀", "a b", "\x7f", "é"])
def test_any_text_is_a_key(alice: Person, key: str) -> None:
    assert task_of(submit(alice, key)) == task_of(submit(alice, key))
