"""v1's generation tasks, on both stacks; no worker runs here."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, text

from shared.claims import Claims
from shared.progress import Progress, ProgressBoard, redis_client
from shared.settings import Settings
from tests.backend.conftest import Person, poll
from tests.orders import result_entry


def count(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT COUNT(*) FROM tasks")).scalar_one())


def test_submitting_answers_as_documented(alice: Person) -> None:
    body = alice.submit(parameters={"seed": 7, "width": 100}).get_json()

    assert (body["code"], body["message"]) == (200, "生成任务已创建")
    assert {"task_id", "created_at", "type", "prompt", "parameters"} <= set(body["data"])
    assert body["data"]["type"] == "t2i"
    assert (body["data"]["parameters"]["seed"], body["data"]["parameters"]["width"]) == (7, 100)


def test_a_seed_that_was_not_asked_for_is_reported(alice: Person) -> None:
    seeds = {alice.submit().get_json()["data"]["parameters"]["seed"] for _ in range(4)}

    assert len(seeds) == 4


def test_a_seed_may_be_a_string_of_digits(alice: Person) -> None:
    assert alice.submit(parameters={"seed": "0042"}).get_json()["data"]["parameters"]["seed"] == 42


def test_a_sampling_method_is_known_in_any_case(alice: Person) -> None:
    assert (
        alice.submit(parameters={"sampling_method": "euler A"}).get_json()["data"]["parameters"]["sampling_method"]
        == "Euler a"
    )


def test_a_fresh_task_waits_in_the_queue(alice: Person) -> None:
    alice.submit()
    task = alice.submit().get_json()["data"]["task_id"]

    found = poll(alice, task)

    assert (found["status"], found["state"], found["queue_position"]) == ("processing", "queued", 2)
    assert found["progress"] is found["result_url"] is found["completed_at"] is found["error"] is None
    assert found["next_poll_ms"] > 0


def test_a_running_task_shows_the_progress_of_this_very_claim(
    alice: Person, worker: Claims, settings: Settings
) -> None:
    task = alice.submit().get_json()["data"]["task_id"]
    [claim] = worker.claim("gpu", lambda model: 1)
    board = ProgressBoard(redis_client(settings.redis_url))
    board.write(task, Progress(claim.fence, 5, 20))

    running = poll(alice, task)
    worker.give_back([(claim.id, claim.fence)])
    worker.claim("gpu", lambda model: 1)
    again = poll(alice, task)

    assert (running["state"], running["progress"], running["step"], running["steps"]) == ("processing", 0.25, 5, 20)
    assert (again["state"], again["progress"]) == ("processing", None)


def test_a_completed_task_names_its_results(alice: Person, worker: Claims) -> None:
    task = alice.submit().get_json()["data"]["task_id"]
    [claim] = worker.claim("gpu", lambda model: 1)
    worker.complete(claim, [result_entry(f"{task}.png"), result_entry(f"{task}_2.png")])

    body = alice.call("GET", f"/api/v1/generation/{task}").get_json()

    assert (body["code"], body["message"]) == (200, "任务完成")
    assert body["data"]["status"] == body["data"]["state"] == "completed"
    assert body["data"]["result_url"] == f"/generated_outputs/{task}.png"
    assert body["data"]["result_urls"] == [f"/generated_outputs/{task}.png", f"/generated_outputs/{task}_2.png"]
    assert (body["data"]["progress"], body["data"]["next_poll_ms"]) == (1.0, None)
    assert body["data"]["completed_at"]


def test_a_failed_task_says_why_in_the_readers_language(alice: Person, worker: Claims) -> None:
    task = alice.submit().get_json()["data"]["task_id"]
    [claim] = worker.claim("gpu", lambda model: 1)
    worker.fail(claim, "model_unavailable")

    response = alice.call("GET", f"/api/v1/generation/{task}", headers={"Accept-Language": "en"})

    found = response.get_json()["data"]
    assert found["status"] == "failed"
    assert found["error"] == {"code": "model_unavailable", "message": "The model cannot be loaded"}


def test_somebody_elses_task_is_like_one_that_does_not_exist(alice: Person, bob: Person) -> None:
    task = alice.submit().get_json()["data"]["task_id"]

    others, nobodys = bob.call("GET", f"/api/v1/generation/{task}"), bob.call("GET", "/api/v1/generation/task_0")

    assert others.status_code == nobodys.status_code == 404
    assert others.get_json() == nobodys.get_json()
    assert others.get_json()["code"] == 404


def test_a_submit_succeeds_while_the_broker_is_away(alice: Person, engine: Engine) -> None:
    from tests.fakes.board import FakeQueue

    queue = FakeQueue(reachable=False)
    object.__setattr__(alice.client.application.extensions["darkroom"], "queue", queue)

    assert alice.submit().status_code == 200
    assert count(engine) == len(queue.sent) == 1


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # nothing of this is up to a database
@pytest.mark.parametrize(
    "empty", [{"image": ""}, {"image": None}, {"images": None}, {"image": "", "images": []}], ids=str
)
def test_an_empty_reference_is_none(alice: Person, empty: dict[str, Any]) -> None:
    data = alice.submit(**empty).get_json()["data"]

    assert (data["type"], data["image"], data["images"]) == ("t2i", None, [])


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
def test_a_request_without_pictures_is_the_same_however_it_says_so(alice: Person) -> None:
    key = {"Idempotency-Key": "the same"}
    bodies = [{"type": "t2i", "prompt": "a red circle", **empty} for empty in ({}, {"image": "", "images": None})]

    tasks = [alice.call("POST", "/api/v1/generation", json=body, headers=key).get_json()["data"] for body in bodies]

    assert tasks[0] == tasks[1]


def submit_raw(person: Person, data: bytes, content_type: str = "application/json") -> Any:
    return person.call("POST", "/api/v1/generation", data=data, content_type=content_type)


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # nothing of this reaches a database
@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("type", {"type": "t2x"}),
        ("type", {"type": None}),
        ("parameters.model", {"type": "t2v", "parameters": {"model": "darkroom-demo"}}),
        ("images", {"type": "i2v"}),
        ("images.0", {"type": "i2v", "image": "ref_1"}),
        ("images", {"type": "t2v", "image": "ref_1"}),
        ("images", {"type": "i2i"}),
        ("images", {"type": "i2i", "image": ""}),
        ("images", {"type": "i2i", "image": None, "images": None}),
        ("images", {"type": "i2i", "image": "", "images": []}),
        ("images.0", {"images": [""]}),
        ("images.0", {"images": [None]}),
        ("images", {"type": "i2i", "images": ["ref_1", "ref_2"]}),
        ("images.0", {"type": "i2i", "image": "ref_1"}),
        ("images.0", {"type": "i2i", "image": "ref_" + "0" * 20}),
        ("images.0", {"type": "i2i", "image": "/generated_outputs/task_" + "0" * 20 + ".png"}),
        ("images.0", {"type": "i2i", "image": "/generated_outputs/../darkroom.db"}),
        ("images.0", {"type": "i2i", "image": "no url at all"}),
        ("image", {"type": "i2i", "image": "a\0b"}),
        ("image", {"type": "i2i", "image": 5}),
        ("image", {"type": "i2i", "image": "x" * 2049}),
        ("images", {"type": "i2i", "images": ["x"] * 9}),
        ("images", {"type": "i2i", "images": {"0": "x"}}),
        ("parameters.strength", {"parameters": {"strength": 0.5}}),
        ("parameters.num_frames", {"parameters": {"num_frames": 9}}),
        ("parameters.fps", {"parameters": {"fps": 8}}),
        ("prompt", {"prompt": ""}),
        ("prompt", {"prompt": " \n"}),
        ("prompt", {"prompt": "x" * 100_000}),
        ("prompt", {"prompt": "a\0b"}),
        ("prompt", {"prompt": 5}),
        ("prompt", {"prompt": None}),
        ("prompt", {"prompt": ["a"]}),
        ("images", {"images": ["http://example.com/a.png"]}),
        ("images", {"image": "ref_1"}),
        ("images", {"images": "ref_1"}),
        ("surprise", {"surprise": 1}),
        ("parameters", {"parameters": []}),
        ("parameters", {"parameters": None}),
        ("parameters.surprise", {"parameters": {"surprise": 1}}),
        ("parameters.model", {"parameters": {"model": "none-such"}}),
        ("parameters.model", {"parameters": {"model": 1}}),
        ("parameters.width", {"parameters": {"width": 63}}),
        ("parameters.width", {"parameters": {"width": 257}}),
        ("parameters.width", {"parameters": {"width": 128.5}}),
        ("parameters.width", {"parameters": {"width": "128"}}),
        ("parameters.width", {"parameters": {"width": True}}),
        ("parameters.width", {"parameters": {"width": 10**30}}),
        ("parameters.height", {"parameters": {"height": -1}}),
        ("parameters.steps", {"parameters": {"steps": 0}}),
        ("parameters.steps", {"parameters": {"steps": 101}}),
        ("parameters.seed", {"parameters": {"seed": -1}}),
        ("parameters.seed", {"parameters": {"seed": 2**63}}),
        ("parameters.seed", {"parameters": {"seed": 2**63 - 1, "num_images": 2}}),
        ("parameters.seed", {"parameters": {"seed": "seven"}}),
        ("parameters.seed", {"parameters": {"seed": "٣"}}),
        ("parameters.seed", {"parameters": {"seed": 1.5}}),
        ("parameters.guidance_scale", {"parameters": {"guidance_scale": 100}}),
        ("parameters.negative_prompt", {"parameters": {"negative_prompt": "x" * 2001}}),
        ("parameters.negative_prompt", {"parameters": {"negative_prompt": "a\0b"}}),
        ("parameters.sampling_method", {"parameters": {"sampling_method": "magic"}}),
        ("parameters.num_images", {"parameters": {"num_images": 0}}),
        ("parameters.num_images", {"parameters": {"num_images": 9}}),
    ],
)
def test_a_request_that_is_not_valid_names_the_field_and_writes_nothing(
    alice: Person, engine: Engine, field: str, body: dict[str, Any]
) -> None:
    response = alice.submit(**body)

    answer = response.get_json()
    assert (response.status_code, answer["code"], answer["data"]) == (400, 400, None)
    assert answer["error"]["fields"][0]["field"].startswith(field)
    assert field.split(".")[-1] in answer["message"]
    assert count(engine) == 0


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # nothing of this reaches a database
@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"{", 400, "malformed_body"),
        (b"", 400, "malformed_body"),
        (b'{"type": "t2i", "prompt": "\xff"}', 400, "malformed_body"),
        (b"null", 400, "invalid_request"),
        (b"[]", 400, "invalid_request"),
        (b'"text"', 400, "invalid_request"),
        (b'{"type":"t2i","prompt":"\\ud800"}', 400, "malformed_body"),
        (b'{"type":"t2i","prompt":"x","parameters":{"guidance_scale":NaN}}', 400, "invalid_request"),
        (b'{"type":"t2i","prompt":"x","parameters":{"guidance_scale":Infinity}}', 400, "invalid_request"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, 400, "malformed_body"),
        (b'{"type":"t2i","prompt":"x","parameters":{"seed":' + b"9" * 5000 + b"}}", 400, "malformed_body"),
        (b'{"prompt": "' + b"x" * 1_100_000 + b'"}', 413, "too_large"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_body_that_makes_no_sense_is_refused(
    alice: Person, engine: Engine, data: bytes, status: int, code: str
) -> None:
    response = submit_raw(alice, data)

    assert (response.status_code, response.get_json()["error"]["code"]) == (status, code)
    assert count(engine) == 0


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # nothing of this reaches a database
@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data", "application/x-www-form-urlencoded", ""])
def test_another_content_type_is_refused(alice: Person, content_type: str) -> None:
    data = json.dumps({"type": "t2i", "prompt": "x"}).encode()

    response = submit_raw(alice, data, content_type)

    assert (response.status_code, response.get_json()["error"]["code"]) == (415, "unsupported_media_type")


def test_a_wrong_method_says_which_are_right(alice: Person) -> None:
    response = alice.call("PUT", "/api/v1/generation")

    assert (response.status_code, response.get_json()["error"]["code"]) == (405, "method_not_allowed")
    assert "POST" in response.headers["Allow"]


@pytest.mark.parametrize("prompt", ["红色圆形 😀", "'; DROP TABLE tasks; --", "%s {0} \\", "x" * 2000])
def test_any_text_is_a_prompt_and_comes_back_unchanged(alice: Person, prompt: str) -> None:
    task = alice.submit(prompt=prompt).get_json()["data"]["task_id"]

    assert poll(alice, task)["prompt"] == prompt


def test_a_crash_is_no_traceback_for_the_client(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    from backend.services.generations import Generations

    def crash(*_: object) -> None:
        raise RuntimeError("the secret of the crash")

    monkeypatch.setattr(Generations, "submit", crash)
    alice.client.application.config["PROPAGATE_EXCEPTIONS"] = False

    response = alice.submit()

    assert (response.status_code, response.get_json()["error"]["code"]) == (500, "internal_error")
    assert "secret" not in response.get_data(as_text=True)


def test_a_database_that_is_away_is_503_with_a_time_to_try_again(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    from backend.services.tokens import Tokens

    def away(*_: object) -> None:
        raise OperationalError("SELECT", {}, Exception("gone away"))

    monkeypatch.setattr(Tokens, "recognise", away)

    response = alice.submit()

    assert (response.status_code, response.get_json()["error"]["code"]) == (503, "unavailable")
    assert int(response.headers["Retry-After"]) > 0


def test_two_people_have_queues_of_their_own_things(alice: Person, sign_up: Callable[[str], Person]) -> None:
    dave = sign_up("dave")
    mine = alice.submit().get_json()["data"]["task_id"]
    yours = dave.submit().get_json()["data"]["task_id"]

    assert (poll(alice, mine)["queue_position"], poll(dave, yours)["queue_position"]) == (1, 2)


def test_what_users_wrote_is_not_in_a_database_errors_text(engine: Engine) -> None:
    from sqlalchemy.exc import DBAPIError

    with pytest.raises(DBAPIError) as caught, engine.connect() as connection:
        connection.execute(text("SELECT :word FROM nowhere"), {"word": "what a user wrote"})

    assert "what a user wrote" not in str(caught.value)


def test_no_other_origin_may_call_unless_a_setting_says_so(alice: Person) -> None:
    response = alice.call("GET", "/api/v1/generation/x", headers={"Origin": "https://evil.example"})

    assert "Access-Control-Allow-Origin" not in response.headers
