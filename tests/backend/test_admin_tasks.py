"""Administrators and everybody's tasks: finding them, ending them, trying again what has failed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event

from backend.database import sql
from backend.services.administration import failures
from shared.claims import Claims
from shared.generation import Kind
from shared.lifecycle import Status
from shared.settings import Settings
from tests.backend.admin import BAD_TEXTS, call, change, entries, of_user, refused
from tests.backend.conftest import Person
from tests.backend.made import make
from tests.backend.records import add_records, problem
from tests.orders import row

MODEL = "darkroom-demo"
LONG_AGO = "2020-01-01T00:00:00Z"


def listed(admin: Person, query: str) -> list[str]:
    return [task["task_id"] for task in call(admin, "GET", f"/tasks?{query}").get_json()["data"]]


def fail(worker: Claims, person: Person, error: str = "out_of_memory") -> str:
    """A task of the person's that a worker could not do."""
    task: str = person.submit().get_json()["data"]["task_id"]
    [claim] = worker.claim("gpu", lambda shape: 1)
    worker.fail(claim, error)
    return task


def test_tasks_of_all_users_are_listed_the_newest_first_page_by_page(
    admin: Person, alice: Person, bob: Person, engine: Engine
) -> None:
    [first], [second], [third] = (add_records(engine, person, {}) for person in (alice, bob, alice))

    page = call(admin, "GET", "/tasks?limit=2").get_json()
    rest = listed(admin, f"limit=2&cursor={page['next_cursor']}")

    assert [(task["task_id"], task["user"]) for task in page["data"]] == [(third, "alice"), (second, "bobby")]
    assert rest == [first]


def test_tasks_are_found_by_what_they_are(admin: Person, alice: Person, bob: Person, engine: Engine) -> None:
    failed = {"status": Status.FAILED, "error_code": "out_of_memory"}
    large, video = {"model": "large"}, {"kind": Kind.TEXT_TO_VIDEO}
    ids = add_records(engine, alice, large, {"status": Status.PROCESSING}, {"seconds": 10**8})
    others = [*add_records(engine, bob, failed), *add_records(engine, bob, video, {"status": Status.QUEUED})]

    found = {
        "user=ALICE": listed(admin, "user=ALICE"),
        "user=nobody": listed(admin, "user=nobody"),
        "model": listed(admin, "model=large"),
        "type": listed(admin, "type=t2v"),
        "error": listed(admin, "error=out_of_memory&status=failed"),
        "queued": listed(admin, "status=queued"),
        "processing": listed(admin, "status=processing"),
        "start": listed(admin, "start=2028-01-01"),
        "end": listed(admin, f"end={LONG_AGO}"),
    }

    assert found == {
        "user=ALICE": ids[::-1],
        "user=nobody": [],
        "model": [ids[0]],
        "type": [others[1]],
        "error": [others[0]],
        "queued": [others[2]],
        "processing": [ids[1]],
        "start": [ids[2]],
        "end": [],
    }


def test_tasks_of_one_status_are_read_from_an_index_in_its_order(admin: Person, alice: Person, engine: Engine) -> None:
    add_records(engine, alice, *[{}] * 5)
    seen: list[tuple[str, Any]] = []
    with admin.client.application.app_context():
        event.listen(sql.engine, "before_cursor_execute", lambda *given: seen.append((given[2], given[3])))

    listed(admin, "status=completed&limit=2")

    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    [(text, values)] = [(text, values) for text, values in seen if "lease_until IS NULL" in text]
    with engine.connect() as connection:
        plan = str(connection.exec_driver_sql(f"{explain} {text}", values).all())
    assert "ix_tasks_lease" in plan
    assert "filesort" not in plan
    assert "TEMP B-TREE" not in plan


def test_what_others_tasks_show_is_not_shown(
    admin: Person, alice: Person, worker: Claims, settings: Settings, engine: Engine
) -> None:
    made = make(alice, worker, settings)

    response = call(admin, "GET", f"/tasks/{made.task}")

    task = response.get_json()["data"]
    assert (task["user"], task["status"], task["prompt"], task["results"]) == ("alice", "completed", "", [])
    assert "red circle" not in response.text + call(admin, "GET", "/tasks").text
    assert made.picture.name not in response.text


class TestWhereASettingSaysSo:
    """ADMINS_SEE_CONTENT."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"admins_see_content": True})

    def test_prompts_and_pictures_are_shown(
        self, admin: Person, alice: Person, worker: Claims, settings: Settings
    ) -> None:
        made = make(alice, worker, settings)

        task = call(admin, "GET", f"/tasks/{made.task}").get_json()["data"]
        history = admin.call("GET", "/api/v1/user/generation_list?user=alice&prompt=red&sort=prompt").get_json()["data"]

        assert (task["prompt"], task["results"][0]["url"]) == ("a red circle", made.picture.url)
        assert [entry["prompt"] for entry in history] == ["a red circle"]
        assert admin.client.get(task["results"][0]["signed_url"], buffered=True).status_code == 200


def test_a_waiting_task_is_cancelled_and_may_be_tried_again(admin: Person, alice: Person, engine: Engine) -> None:
    task = alice.submit().get_json()["data"]["task_id"]

    cancelled = call(admin, "DELETE", f"/tasks/{task}").get_json()["data"]["status"]
    retried = call(admin, "POST", f"/tasks/{task}/retry").get_json()["data"]["status"]

    assert (cancelled, retried, row(engine, task).status) == ("cancelled", "queued", "queued")
    assert entries(engine) == [
        ("root", "task.cancel", task, {"user": "alice"}),
        ("root", "task.retry", task, {"user": "alice"}),
    ]


def test_a_running_task_is_asked_to_stop(admin: Person, alice: Person, worker: Claims, engine: Engine) -> None:
    task = alice.submit().get_json()["data"]["task_id"]
    [claim] = worker.claim("gpu", lambda shape: 1)

    response = call(admin, "DELETE", f"/tasks/{task}")

    assert response.get_json()["data"]["cancel_requested"]
    assert worker.renew([(claim.id, claim.fence)]) == {(claim.id, claim.fence): True}


def test_what_cannot_be_tried_again_is_refused_and_leaves_no_entry(
    admin: Person, alice: Person, worker: Claims, engine: Engine
) -> None:
    waiting = alice.submit().get_json()["data"]["task_id"]
    gone = add_records(engine, alice, {"status": Status.FAILED, "model": "gone"})[0]
    again = refused(call(admin, "POST", f"/tasks/{waiting}/retry"))
    lost = refused(call(admin, "POST", f"/tasks/{gone}/retry"))
    call(admin, "POST", of_user(alice, engine, "/disable"))

    disabled = refused(call(admin, "POST", f"/tasks/{waiting}/retry"))

    assert (again, lost) == ((409, "not_retryable"), (400, "invalid_request"))
    assert disabled == (403, "account_disabled")
    assert [entry[1] for entry in entries(engine)] == ["user.disable"]


@pytest.mark.parametrize(("method", "rest"), [("GET", ""), ("DELETE", ""), ("POST", "/retry")])
def test_no_task_is_not_found(admin: Person, alice: Person, engine: Engine, method: str, rest: str) -> None:
    deleted = add_records(engine, alice, {"status": Status.FAILED, "deleted_at": datetime.now(UTC)})[0]
    ids = ("task_0", deleted, "😀", "a%00b", "'; --", "x" * 5000)

    answers = [refused(call(admin, method, f"/tasks/{name}{rest}")) for name in ids]

    assert set(answers) == {(404, "not_found")}
    assert entries(engine) == []


def test_what_has_failed_since_then_is_counted_then_queued_again(
    admin: Person, alice: Person, bob: Person, worker: Claims, engine: Engine
) -> None:
    tasks = [fail(worker, alice), fail(worker, bob), fail(worker, bob, "bad_picture")]
    early = datetime.now(UTC) - timedelta(days=2)
    old = add_records(engine, bob, {"status": Status.FAILED, "finished_at": early, "updated_at": early, "model": MODEL})
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()

    counted = call(admin, "GET", "/failed", query_string={"since": since}).get_json()["data"]
    response = call(admin, "POST", "/failed/requeue", json={"since": since})

    assert counted == {"count": 3, "by_error": {"bad_picture": 1, "out_of_memory": 2}}
    assert response.get_json()["data"] == {"requeued": 3, "refused": 0, "next_cursor": None}
    assert {row(engine, task).status for task in tasks} == {"queued"}
    assert row(engine, old[0]).status == "failed"
    [(_, action, subject, details)] = entries(engine)
    assert (action, subject, details["count"]) == ("tasks.requeue", "", 3)


def test_only_what_is_meant_is_queued_again(
    admin: Person, alice: Person, bob: Person, worker: Claims, engine: Engine
) -> None:
    mine, other, hers = fail(worker, bob), fail(worker, bob, "bad_picture"), fail(worker, alice)
    chosen = {"since": LONG_AGO, "user": "BOBBY", "error": "out_of_memory", "model": MODEL}

    response = call(admin, "POST", "/failed/requeue", json=chosen)
    nothing = call(admin, "GET", "/failed", query_string={"since": LONG_AGO, "until": LONG_AGO}).get_json()["data"]

    assert response.get_json()["data"]["requeued"] == 1
    assert [row(engine, task).status for task in (mine, other, hers)] == ["queued", "failed", "failed"]
    assert nothing == {"count": 0, "by_error": {}}


def test_what_cannot_be_queued_again_holds_up_nothing_else(
    admin: Person, alice: Person, bob: Person, worker: Claims, engine: Engine
) -> None:
    full, fine = [fail(worker, alice) for _ in range(2)], fail(worker, bob)
    change(engine, alice, queue_cap=1)

    response = call(admin, "POST", "/failed/requeue", json={"since": LONG_AGO})

    assert response.get_json()["data"] == {"requeued": 2, "refused": 1, "next_cursor": None}
    assert row(engine, fine).status == "queued"
    assert [row(engine, task).status for task in full] == ["failed", "queued"]


def test_more_than_go_at_once_come_with_the_cursor(
    admin: Person, alice: Person, worker: Claims, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "AT_ONCE", 2)
    for _ in range(3):
        fail(worker, alice)

    first = call(admin, "POST", "/failed/requeue", json={"since": LONG_AGO}).get_json()["data"]
    body = {"since": LONG_AGO, "cursor": first["next_cursor"]}
    second = call(admin, "POST", "/failed/requeue", json=body).get_json()["data"]

    assert (first["requeued"], second["requeued"], second["next_cursor"]) == (2, 1, None)


BAD_REQUEUES: list[tuple[dict[str, Any], str]] = [
    ({}, "since"),
    *(({"since": value}, "since") for value in BAD_TEXTS),
    ({"since": "yesterday"}, "since"),
    *(({"since": LONG_AGO, "user": value}, "user") for value in BAD_TEXTS if value is not None),
    ({"since": LONG_AGO, "model": 7}, "model"),
    ({"since": LONG_AGO, "cursor": "bad"}, "cursor"),
    ({"since": LONG_AGO, "all": True}, "all"),
]


def test_a_bad_requeue_is_refused_by_its_field(admin: Person, engine: Engine) -> None:
    answers = [call(admin, "POST", "/failed/requeue", json=body) for body, _ in BAD_REQUEUES]

    assert [problem(answer)[:2] for answer in answers] == [(400, field) for _, field in BAD_REQUEUES]
    assert entries(engine) == []


BAD_QUERIES = {
    "tasks?cursor=bad": "cursor",
    "tasks?limit=0": "limit",
    "tasks?status=waiting": "status",
    "tasks?type=audio": "type",
    "tasks?start=soon": "start",
    "tasks?start=2020-01-01&start=2020-01-02": "start",
    "tasks?user=": "user",
    "tasks?model=a%00": "model",
    "tasks?prompt=a": "prompt",
    "failed": "since",
    "failed?since=never": "since",
    f"failed?since={LONG_AGO}&limit=1": "limit",
}


def test_a_bad_query_is_refused_by_its_field(admin: Person) -> None:
    answers = {query: problem(call(admin, "GET", f"/{query}"))[:2] for query in BAD_QUERIES}

    assert answers == {query: (400, field) for query, field in BAD_QUERIES.items()}
