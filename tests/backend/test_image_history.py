"""The image contract's history: every documented field, pages and their total, filters, and what is refused."""

from itertools import chain
from typing import Any

import pytest
from sqlalchemy import Engine, update
from werkzeug.test import TestResponse

from shared import db
from shared.claims import Claims
from shared.lifecycle import Status
from shared.models import Task
from shared.settings import Settings
from tests.backend.conftest import Person
from tests.backend.image import ENGLISH, refusal
from tests.backend.made import make
from tests.backend.records import START, add_records, id_of, make_admin
from tests.orders import PARAMETERS

PATH = "/api/v1/images/history"
FIELDS = {
    "id",
    "taskId",
    "prompt",
    "imageUrl",
    "signedUrl",
    "thumbnailUrl",
    "signedThumbnailUrl",
    "status",
    "createdAt",
    "updatedAt",
    "params",
    "errorMessage",
}


def ask(person: Person, **query: Any) -> TestResponse:
    return person.call("GET", PATH, query_string=query)


def ids(person: Person, **query: Any) -> list[str]:
    return [record["taskId"] for record in ask(person, **query).get_json()["data"]["records"]]


def pagination(person: Person, **query: Any) -> dict[str, Any]:
    found: dict[str, Any] = ask(person, **query).get_json()["data"]["pagination"]
    return found


def test_a_record_is_as_documented(alice: Person, engine: Engine, worker: Claims, settings: Settings) -> None:
    made = make(alice, worker, settings)

    body = ask(alice).get_json()

    assert (body["status"], set(body["data"])) == ("success", {"records", "pagination"})
    [record] = body["data"]["records"]
    folder = f"/api/uploads/generated_images/{id_of(engine, alice)}"
    assert set(record) == FIELDS
    assert (record["taskId"], record["prompt"], record["status"]) == (made.task, "a red circle", "completed")
    assert record["imageUrl"] == f"{folder}/{made.picture.name}"
    assert record["thumbnailUrl"] == f"{folder}/{made.thumbnail.name}"
    assert record["errorMessage"] is None


def test_a_record_has_the_number_times_and_parameters_of_its_task(alice: Person, engine: Engine) -> None:
    [task] = add_records(engine, alice, {"seconds": 0, "seed": 12345, "steps": 50})
    with db.write(engine) as connection:
        connection.execute(update(Task).values(updated_at=START))
        number = connection.scalar(Task.__table__.select().where(Task.public_id == task).with_only_columns(Task.id))

    [record] = ask(alice).get_json()["data"]["records"]

    assert record["id"] == number
    assert record["createdAt"] == record["updatedAt"] == START.isoformat().replace("+00:00", "Z")
    parameters = {**PARAMETERS.as_dict(), "seed": 12345, "steps": 50}
    assert record["params"] == {"model_used": "tiny", **parameters}


def test_a_picture_without_a_thumbnail_is_its_own(alice: Person, engine: Engine) -> None:
    add_records(engine, alice, {})

    [record] = ask(alice).get_json()["data"]["records"]

    assert record["thumbnailUrl"] == record["imageUrl"]
    assert record["signedUrl"].startswith(f"{record['imageUrl']}?expires=")


@pytest.mark.parametrize(
    ("values", "headers", "expected"),
    [
        ({"status": Status.QUEUED}, {}, ("pending", None)),
        ({"status": Status.PROCESSING}, {}, ("pending", None)),
        ({"status": Status.FAILED, "error_code": "out_of_memory"}, {}, ("failed", "显存不足")),
        (
            {"status": Status.FAILED, "error_code": "out_of_memory"},
            ENGLISH,
            ("failed", "The device ran out of memory"),
        ),
        ({"status": Status.CANCELLED}, {}, ("failed", "任务已取消")),
        ({"status": Status.CANCELLED}, ENGLISH, ("failed", "Task cancelled")),
    ],
    ids=str,
)
def test_what_is_not_completed_has_no_picture(
    alice: Person, engine: Engine, values: Any, headers: Any, expected: tuple[str, str | None]
) -> None:
    add_records(engine, alice, values)

    [record] = alice.call("GET", PATH, headers=headers).get_json()["data"]["records"]

    assert (record["status"], record["errorMessage"]) == expected
    urls = ("imageUrl", "signedUrl", "thumbnailUrl", "signedThumbnailUrl")
    assert [record[name] for name in urls] == [None] * 4


def test_an_empty_history_is_a_page_without_records(alice: Person) -> None:
    assert ask(alice).get_json()["data"] == {
        "records": [],
        "pagination": {"total": 0, "page": 1, "perPage": 10, "totalPages": 0, "nextCursor": None},
    }


def test_without_a_query_there_are_the_newest_ten_the_newest_first(alice: Person, engine: Engine) -> None:
    tasks = add_records(engine, alice, *[{"seconds": number} for number in range(12)])

    assert ids(alice) == tasks[:1:-1]


@pytest.mark.parametrize("count", [1, 9, 10, 11, 20, 21])
def test_pages_together_hold_every_record_once(alice: Person, engine: Engine, count: int) -> None:
    tasks = add_records(engine, alice, *[{"seconds": number} for number in range(count)])
    first = pagination(alice)

    pages = [ids(alice, page=number) for number in range(1, first["totalPages"] + 1)]

    assert list(chain(*pages)) == tasks[::-1]
    assert first["total"] == count
    assert all(len(page) == 10 for page in pages[:-1])


def test_a_page_says_which_one_it_is(alice: Person, engine: Engine) -> None:
    add_records(engine, alice, *[{}] * 7)

    found = pagination(alice, page=2, per_page=3)

    assert {**found, "nextCursor": ""} == {"total": 7, "page": 2, "perPage": 3, "totalPages": 3, "nextCursor": ""}


def test_a_page_behind_the_last_is_empty_and_knows_the_total(alice: Person, engine: Engine) -> None:
    add_records(engine, alice, {}, {})

    body = ask(alice, page=9).get_json()["data"]

    assert body["records"] == []
    assert (body["pagination"]["total"], body["pagination"]["page"]) == (2, 9)


def test_a_cursor_leads_through_the_pages_too(alice: Person, engine: Engine) -> None:
    tasks = add_records(engine, alice, *[{"seconds": number} for number in range(5)])
    first = pagination(alice, limit=3)

    second = ask(alice, limit=3, cursor=first["nextCursor"]).get_json()["data"]

    assert [record["taskId"] for record in second["records"]] == tasks[1::-1]
    assert second["pagination"] == {"total": 5, "page": None, "perPage": 3, "totalPages": 2, "nextCursor": None}


FILTERS: list[tuple[dict[str, Any], int]] = [
    ({"status": "pending"}, 2),
    ({"status": "completed"}, 2),
    ({"status": "failed"}, 2),
    ({"model": "other"}, 1),
    ({"steps": 50}, 1),
    ({"seed": 12345}, 1),
    ({"prompt": "SUNSET"}, 1),
    ({"has_result": "true"}, 2),
    ({"favorite": "true"}, 1),
    ({"type": "t2i"}, 6),
    ({"type": "t2v"}, 0),
    ({"start": "2025-11-04T17:00:02Z", "end": "2025-11-04T17:00:05"}, 3),
    ({"status": "pending", "prompt": "sunset"}, 1),
    ({"status": "failed", "sort": "steps", "start": "2025-11-04T17:00:03Z"}, 2),
    ({"sort": "prompt"}, 6),
    ({"sort": "status", "order": "desc"}, 6),
]


@pytest.mark.parametrize(("query", "count"), FILTERS, ids=str)
def test_the_total_is_of_what_the_filters_leave(alice: Person, engine: Engine, query: Any, count: int) -> None:
    statuses = (Status.QUEUED, Status.PROCESSING, Status.COMPLETED, Status.COMPLETED, Status.FAILED, Status.CANCELLED)
    special: list[dict[str, Any]] = [
        {"prompt": "a sunset"},
        {"model": "other"},
        {"steps": 50},
        {"seed": 12345, "favorite": True},
        {},
        {},
    ]
    each = [
        {"seconds": n, "status": status, **values}
        for n, (status, values) in enumerate(zip(statuses, special, strict=True))
    ]
    add_records(engine, alice, *each)

    assert pagination(alice, **query, per_page=1)["total"] == count
    assert len(ids(alice, **query, per_page=50)) == count


def test_the_order_can_be_turned_round_or_be_anothers(alice: Person, engine: Engine) -> None:
    tasks = add_records(engine, alice, *[{"seconds": n, "steps": 9 - n} for n in range(3)])

    assert ids(alice, order="asc") == tasks
    assert ids(alice, sort="steps") == tasks[::-1]
    assert ids(alice, sort="steps", order="desc") == tasks
    assert ids(alice, sort="user") == tasks[::-1]


def test_deleted_tasks_and_those_of_others_are_neither_shown_nor_counted(
    alice: Person, bob: Person, engine: Engine
) -> None:
    [kept, gone] = add_records(engine, alice, {}, {})
    add_records(engine, bob, {}, {}, {})
    alice.call("POST", "/api/v1/user/generation_list", json={"task_id": gone})

    assert ids(alice) == [kept]
    assert pagination(alice)["total"] == 1


def test_an_administrator_sees_anothers_tasks_without_their_pictures(
    alice: Person, bob: Person, engine: Engine
) -> None:
    add_records(engine, bob, {}, {})
    make_admin(engine, alice)

    body = ask(alice, user="bobby").get_json()["data"]

    assert body["pagination"]["total"] == 2
    assert {(record["prompt"], record["imageUrl"]) for record in body["records"]} == {("", None)}


def test_who_is_no_administrator_may_not_ask_for_anothers(alice: Person, bob: Person) -> None:
    response = ask(alice, user="bobby")

    assert refusal(response) == (403, "", "forbidden")
    assert response.get_json()["message"] == "禁止访问"


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({"page": "0"}, "page"),
        ({"page": "-1"}, "page"),
        ({"page": "x"}, "page"),
        ({"page": "1e3"}, "page"),
        ({"page": "9" * 30}, "page"),
        ({"page": "1" * 5000}, "page"),
        ({"page": ["1", "2"]}, "page"),
        ({"per_page": "0"}, "per_page"),
        ({"per_page": "51"}, "per_page"),
        ({"per_page": ""}, "per_page"),
        ({"limit": "51"}, "limit"),
        ({"limit": "2", "page": "1"}, "page"),
        ({"status": "processing"}, "status"),
        ({"status": "😀"}, "status"),
        ({"type": "x"}, "type"),
        ({"sort": "password_hash"}, "sort"),
        ({"order": "up"}, "order"),
        ({"cursor": "x"}, "cursor"),
        ({"start": "yesterday"}, "start"),
        ({"prompt": "a\0b"}, "prompt"),
        ({"prompt": "x" * 1001}, "prompt"),
        ({"seed": "-1"}, "seed"),
        ({"surprise": "1"}, "surprise"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_query_is_400_and_names_the_parameter(alice: Person, query: Any, name: str) -> None:
    response = ask(alice, **query)

    assert refusal(response)[:2] == (400, name)
    assert response.get_json()["message"].startswith(f"请求参数不合规; {name}: ")
