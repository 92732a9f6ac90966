"""gin's generation, history and favourites, on both stacks."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from shared.claims import Claims
from shared.lifecycle import Status
from shared.settings import Settings
from tests.backend import favorites
from tests.backend.conftest import Person, poll
from tests.backend.made import make
from tests.backend.records import add_records, make_admin
from tests.backend.test_polling import until_listening
from tests.orders import result_entry

ONLY_SQLITE = pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # nothing of this reaches a database
WAITS = pytest.mark.parametrize("answer_seconds", [30.0])
# The document's own example, but for the words "string".
DOCUMENTED = {
    "height": 200,
    "width": 220,
    "prompt": "a red circle",
    "sampling_method": "DDIM",
    "seed": "42",
    "steps": 100,
}


@pytest.fixture
def answer_seconds() -> float:
    """So that nobody waits for a worker that is not there; who plays one says otherwise."""
    return 0.05


@pytest.fixture
def settings(settings: Settings, answer_seconds: float) -> Settings:
    return settings.model_copy(update={"answer_seconds": answer_seconds})


def generate(person: Person, body: object, **options: Any) -> TestResponse:
    return person.call("POST", "/auth/generate", json=body, **options)


@contextmanager
def asking(app: Flask, person: Person, body: object) -> Iterator[list[TestResponse]]:
    """Somebody waits for a picture in a thread of their own; the answer is there behind the block."""
    answers: list[TestResponse] = []
    own = Person(app.test_client(), person.account, person.token)
    thread = threading.Thread(target=lambda: answers.append(generate(own, body)))
    thread.start()
    until_listening(app)
    yield answers
    thread.join(timeout=30)


def history(person: Person, **query: Any) -> TestResponse:
    return person.call("GET", "/auth/history", query_string=query)


def records(person: Person, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = history(person, **query).get_json()["data"]
    return found


def count(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT COUNT(*) FROM tasks")).scalar_one())


@WAITS
def test_the_documented_request_is_answered_when_the_picture_is_there(
    alice: Person, app: Flask, worker: Claims
) -> None:
    with asking(app, alice, DOCUMENTED) as answers:
        [claim] = worker.claim("gpu", lambda model: 1)
        worker.complete(claim, [result_entry(f"{claim.public_id}.png"), result_entry(f"{claim.public_id}_2.png")])

    [response] = answers
    body = response.get_json()
    url = f"/generated_outputs/{claim.public_id}.png"
    assert (response.status_code, body["code"], body["msg"]) == (200, 200, "任务完成")
    assert (body["data"]["task_id"], body["data"]["status"]) == (claim.public_id, "completed")
    assert (body["data"]["url"], body["data"]["seed"]) == (url, 42)
    assert body["data"]["urls"] == [url, f"/generated_outputs/{claim.public_id}_2.png"]
    assert body["data"]["signed_url"].startswith(f"{url}?expires=")
    asked = {name: DOCUMENTED[name] for name in ("height", "width", "sampling_method", "steps")}
    assert asked.items() <= body["data"]["parameters"].items()


def test_the_worker_is_asked_for_exactly_the_documented_picture(alice: Person, worker: Claims) -> None:
    generate(alice, DOCUMENTED)

    [claim] = worker.claim("gpu", lambda model: 1)

    p = claim.parameters
    assert (p.width, p.height, p.steps, p.seed, p.sampling_method) == (220, 200, 100, 42, "DDIM")
    assert claim.prompt == "a red circle"


def test_the_picture_that_was_answered_can_be_fetched(alice: Person, worker: Claims, settings: Settings) -> None:
    made = make(alice, worker, settings)

    [found] = records(alice)

    assert found["result"] == made.picture.url
    assert alice.call("GET", found["result"]).status_code == 200
    assert alice.client.get(found["signed_url"], buffered=True).status_code == 200


def test_a_picture_that_takes_too_long_is_answered_by_its_task(alice: Person) -> None:
    response = generate(alice, DOCUMENTED)

    body = response.get_json()
    assert (response.status_code, body["code"], body["msg"]) == (202, 202, "任务排队中")
    assert (body["data"]["status"], body["data"]["state"]) == ("processing", "queued")
    assert body["data"]["url"] is body["data"]["signed_url"] is None
    assert body["data"]["urls"] == []
    assert poll(alice, body["data"]["task_id"])["state"] == "queued"


@WAITS
def test_a_picture_that_fails_is_an_error_that_says_why(alice: Person, app: Flask, worker: Claims) -> None:
    with asking(app, alice, DOCUMENTED) as answers:
        [claim] = worker.claim("gpu", lambda model: 1)
        worker.fail(claim, "out_of_memory")

    body = answers[0].get_json()
    assert (answers[0].status_code, body["code"], body["reason"]) == (500, 500, "generation_failed")
    assert (body["msg"], body["data"]) == ("显存不足", None)


def test_every_other_parameter_is_taken_too(alice: Person) -> None:
    more = {"model": "darkroom-demo", "guidance_scale": 3.5, "negative_prompt": "blue", "num_images": 2}

    data = generate(alice, {**DOCUMENTED, **more}).get_json()["data"]

    assert more.items() <= data["parameters"].items()


def test_a_prompt_is_enough_and_the_seed_is_told(alice: Person) -> None:
    data = generate(alice, {"prompt": "a red circle"}).get_json()["data"]

    assert isinstance(data["seed"], int)
    assert data["seed"] == data["parameters"]["seed"]


def test_the_same_key_gives_the_same_task(alice: Person, engine: Engine) -> None:
    tasks = {
        generate(alice, DOCUMENTED, headers={"Idempotency-Key": "k"}).get_json()["data"]["task_id"] for _ in range(3)
    }

    assert len(tasks) == count(engine) == 1


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("prompt", {"prompt": ""}),
        ("prompt", {"prompt": "   "}),
        ("prompt", {"prompt": None}),
        ("prompt", {"prompt": 5}),
        ("prompt", {"prompt": "a\0b"}),
        ("prompt", {"prompt": "x" * 2001}),
        ("prompt", {"prompt": "x" * 1_000_000}),
        ("width", {"width": "220"}),
        ("width", {"width": 1.5}),
        ("width", {"width": 63}),
        ("width", {"width": 257}),
        ("height", {"height": -1}),
        ("height", {"height": 2**70}),
        ("steps", {"steps": True}),
        ("steps", {"steps": 0}),
        ("steps", {"steps": 101}),
        ("seed", {"seed": "string"}),
        ("seed", {"seed": "-1"}),
        ("seed", {"seed": ""}),
        ("seed", {"seed": "９"}),
        ("seed", {"seed": "9" * 30}),
        ("sampling_method", {"sampling_method": "unknown"}),
        ("sampling_method", {"sampling_method": ["DDIM"]}),
        ("model", {"model": "unknown"}),
        ("guidance_scale.int", {"guidance_scale": "3"}),
        ("strength", {"strength": 0.5}),
        ("type", {"type": "t2i"}),
        ("user_id", {"user_id": 1}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_input_names_the_field_and_makes_no_task(
    alice: Person, engine: Engine, field: str, body: dict[str, Any]
) -> None:
    response = generate(alice, {**DOCUMENTED, **body})

    found = response.get_json()
    assert response.status_code == found["code"] == 400
    assert (found["msg"], found["fields"][0]["field"]) == ("请求数据格式错误", field)
    assert count(engine) == 0


@ONLY_SQLITE
@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"7", b"\xff", b'{"prompt":' * 5000])
def test_a_body_that_is_no_json_object_is_refused(alice: Person, data: bytes) -> None:
    response = alice.call("POST", "/auth/generate", data=data, content_type="application/json")

    assert (response.status_code, response.get_json()["msg"]) == (400, "请求数据格式错误")


@ONLY_SQLITE
@pytest.mark.parametrize(("headers", "said"), [({}, "请求头中缺少Token"), ({"Authorization": "x"}, "无效的Token")])
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/auth/generate"), ("GET", "/auth/history"), ("GET", "/auth/favorites")]
)
def test_without_a_good_token_nothing_is_told(
    app: Flask, method: str, path: str, headers: dict[str, str], said: str
) -> None:
    response = app.test_client().open(path, method=method, headers=headers, json={})

    assert (response.status_code, response.get_json()["code"], response.get_json()["msg"]) == (401, 401, said)


def test_a_record_tells_what_is_documented(alice: Person, engine: Engine) -> None:
    [task] = add_records(engine, alice, {"prompt": "a blue cube", "seed": 9, "seconds": 0})

    response = history(alice)

    body = response.get_json()
    [found] = body["data"]
    url = f"/generated_outputs/{task}.png"
    assert (body["code"], body["msg"], body["next_cursor"]) == (200, "成功", None)
    assert set(found) == {
        *("id", "task_id", "username", "prompt", "params", "result", "signed_url", "status", "state", "time")
    }
    assert (found["task_id"], found["username"], found["prompt"]) == (task, "alice", "a blue cube")
    assert (found["params"]["seed"], found["status"], found["result"]) == (9, "completed", url)
    assert found["signed_url"].startswith(f"{url}?expires=")
    assert found["time"] == "2025-11-04T17:00:00Z"


def test_a_record_without_a_result_has_no_url(alice: Person, engine: Engine) -> None:
    add_records(engine, alice, {"status": Status.FAILED}, {"status": Status.QUEUED})

    assert [(r["status"], r["result"], r["signed_url"]) for r in records(alice)] == [
        ("failed", None, None),
        ("processing", None, None),
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [0, 1, 2, 3]),
        ({"start": "2025-11-04T17:00:10Z", "end": "2025-11-04T17:00:30Z"}, [1, 2]),
        ({"steps": 5}, [1]),
        ({"seed": "3"}, [2]),
        ({"sort": "steps", "order": "desc"}, [3, 2, 1, 0]),
        ({"sort": "result"}, [3, 0, 1, 2]),
        ({"has_result": "true"}, [0, 1, 2]),
        ({"status": "failed"}, [3]),
        ({"prompt": "CUBE"}, [2]),
        ({"sort": "user", "order": "desc"}, [3, 2, 1, 0]),
    ],
    ids=str,
)
def test_records_are_found_by_time_parameter_result_and_user(
    alice: Person, bob: Person, engine: Engine, query: dict[str, Any], expected: list[int]
) -> None:
    ids = add_records(
        engine,
        alice,
        {"seconds": 0, "steps": 4, "seed": 1},
        {"seconds": 10, "steps": 5, "seed": 2},
        {"seconds": 20, "steps": 6, "seed": 3, "prompt": "a cube"},
        {"seconds": 30, "steps": 7, "seed": 4, "status": Status.FAILED},
    )
    add_records(engine, bob, {"steps": 5, "seed": 3, "prompt": "a cube"})

    assert [record["task_id"] for record in records(alice, **query)] == [ids[number] for number in expected]


def test_pages_lead_to_all_records(alice: Person, engine: Engine) -> None:
    ids = add_records(engine, alice, *({"seconds": n} for n in range(5)))
    found, query = [], {"limit": 2, "order": "asc"}

    while query:
        body = history(alice, **query).get_json()
        found += [record["task_id"] for record in body["data"]]
        query = {**query, "cursor": body["next_cursor"]} if body["next_cursor"] else {}

    assert found == ids


def test_an_administrator_finds_another_users_records_under_their_name(
    alice: Person, bob: Person, engine: Engine
) -> None:
    make_admin(engine, bob)
    [task] = add_records(engine, alice, {"prompt": "secret"})

    [found] = records(bob, user="ALICE")

    assert (found["task_id"], found["username"], found["prompt"], found["result"]) == (task, "alice", "", None)


@pytest.mark.parametrize("account", ["bobby", "nobody"])
def test_nobody_else_may_name_a_user(alice: Person, bob: Person, account: str) -> None:
    response = history(alice, user=account)

    assert (response.status_code, response.get_json()["reason"]) == (403, "forbidden")


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("field", "query"),
    [
        ("start", {"start": "yesterday"}),
        ("steps", {"steps": "x"}),
        ("seed", {"seed": "-1"}),
        ("status", {"status": "done"}),
        ("sort", {"sort": "id; DROP TABLE tasks"}),
        ("order", {"order": "up"}),
        ("prompt", {"prompt": "a\0b"}),
        ("limit", {"limit": 1001}),
        ("cursor", {"cursor": "forged"}),
        ("page", {"page": 2, "limit": 5}),
        ("unknown", {"unknown": 1}),
    ],
)
def test_a_bad_query_names_the_field(alice: Person, field: str, query: dict[str, Any]) -> None:
    response = history(alice, **query)

    assert response.status_code == 400
    assert response.get_json()["fields"][0]["field"] == field


def test_favourite_pictures_are_listed(alice: Person, worker: Claims, settings: Settings) -> None:
    made = make(alice, worker, settings)
    folder = favorites.added(alice, favorites.root(alice), "circles")
    node = favorites.added(alice, folder, "the red one", made.picture.url)

    body = alice.call("GET", "/auth/favorites").get_json()

    [found] = body["data"]
    assert (body["code"], body["msg"]) == (200, "成功")
    assert set(found) == {"id", "name", "folder_id", "result", "signed_url", "time"}
    assert (found["id"], found["name"], found["folder_id"]) == (node, "the red one", folder)
    assert (found["result"], found["signed_url"]) == (made.picture.url, made.picture.signed)
    assert alice.client.get(found["signed_url"], buffered=True).status_code == 200


def test_everybody_has_favourites_of_their_own(alice: Person, bob: Person, worker: Claims, settings: Settings) -> None:
    made = make(alice, worker, settings)
    favorites.added(alice, favorites.root(alice), "mine", made.picture.url)

    assert bob.call("GET", "/auth/favorites").get_json()["data"] == []
