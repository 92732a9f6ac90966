"""v1's history: what a page holds, in which order, and how one gets from page to page. On both stacks."""

from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import pytest
from sqlalchemy import Engine

from shared.generation import Kind
from shared.lifecycle import Status
from tests.backend.conftest import Person
from tests.backend.records import START, add_records, ask, listed, problem, walked

ONE_OF_EACH = [{"status": status} for status in Status]


def test_a_record_has_what_the_document_says(alice: Person, engine: Engine) -> None:
    [task] = add_records(engine, alice, {"seconds": 1, "kind": Kind.IMAGE_TO_IMAGE, "prompt": "油画效果"})

    body = ask(alice).get_json()

    [found] = body["data"]
    assert (body["code"], body["message"], body["next_cursor"]) == (200, "成功", None)
    assert (found["task_id"], found["created_at"]) == (task, "2025-11-04T17:00:01Z")
    assert (found["type"], found["prompt"], found["parameters"]["seed"]) == ("i2i", "油画效果", 7)
    assert found["result_url"] == f"/generated_outputs/{task}.png"
    assert (found["status"], found["state"]) == ("completed", "completed")


def test_a_history_may_be_empty(alice: Person) -> None:
    body = ask(alice).get_json()

    assert (body["data"], body["next_cursor"]) == ([], None)


def test_without_a_query_the_newest_thousand_come_from_old_to_new_and_a_cursor_leads_on(
    alice: Person, engine: Engine
) -> None:
    ids = add_records(engine, alice, *[{}] * 1003)

    pages = walked(alice)

    assert pages == [ids[3:], ids[:3]]


def test_nobody_sees_the_tasks_of_others(alice: Person, bob: Person, engine: Engine) -> None:
    mine = add_records(engine, alice, {}, {})
    add_records(engine, bob, {}, {})

    pages = chain(walked(alice, limit=1), walked(alice, limit=1, sort="steps"), walked(alice, limit=1, seed=7))

    assert set(chain.from_iterable(pages)) == set(mine)


@pytest.mark.parametrize(
    ("query", "matching", "other"),
    [
        ({"type": "i2i"}, {"kind": Kind.IMAGE_TO_IMAGE}, {"kind": Kind.TEXT_TO_VIDEO}),
        ({"model": "tiny"}, {"model": "tiny"}, {"model": "tiny2"}),
        ({"sampling_method": "Euler a"}, {"sampling_method": "Euler a"}, {"sampling_method": "Euler"}),
        ({"steps": 20}, {"steps": 20}, {"steps": 2}),
        ({"seed": 2**63 - 1}, {"seed": 2**63 - 1}, {"seed": 0}),
        ({"seed": "007"}, {"seed": 7}, {"seed": 8}),
        ({"width": 512}, {"width": 512}, {"width": 513}),
        ({"height": 512}, {"height": 512}, {"height": 511}),
        ({"has_result": "true"}, {}, {"status": Status.FAILED}),
        ({"has_result": "false"}, {"status": Status.FAILED}, {}),
        ({"favorite": "true"}, {"favorite": True}, {"favorite": False}),
        ({"favorite": "false"}, {"favorite": False}, {"favorite": True}),
        ({"prompt": "circle"}, {"prompt": "a red circle"}, {"prompt": "a square"}),
        ({"prompt": "RED c"}, {"prompt": "a red Circle"}, {"prompt": "red, circle"}),
        ({"prompt": "100%"}, {"prompt": "100% red"}, {"prompt": "1000 red"}),
        ({"prompt": "a_b"}, {"prompt": "a_b"}, {"prompt": "acb"}),
        ({"prompt": "\\"}, {"prompt": "a\\b"}, {"prompt": "a/b"}),
        ({"prompt": "/"}, {"prompt": "a/b"}, {"prompt": "a\\b"}),
        ({"prompt": "'; --"}, {"prompt": "it's '; -- all"}, {"prompt": "its"}),
        ({"prompt": "夜景 😀"}, {"prompt": "一张夜景 😀"}, {"prompt": "夜景 😁"}),
        ({"start": "2025-11-04T17:00:05Z"}, {"seconds": 5}, {"seconds": 4.999999}),
        ({"end": "2025-11-04T17:00:05Z"}, {"seconds": 4.999999}, {"seconds": 5}),
        ({"start": "2025-11-05T01:00:05+08:00"}, {"seconds": 5}, {"seconds": 4}),
        ({"start": "2025-11-04T17:00:05", "end": "2025-11-04T17:00:06"}, {"seconds": 5}, {"seconds": 6}),
        ({"start": "0001-01-01", "end": "9999-12-31"}, {}, {"created_at": datetime(9999, 12, 31, tzinfo=UTC)}),
        ({"steps": 20, "width": 512}, {"steps": 20, "width": 512}, {"steps": 20}),
        ({"seed": 5, "status": "failed"}, {"seed": 5, "status": Status.FAILED}, {"seed": 5}),
    ],
    ids=str,
)  # fmt: skip
def test_a_filter_keeps_what_matches_it(
    alice: Person, engine: Engine, query: dict[str, Any], matching: dict[str, Any], other: dict[str, Any]
) -> None:
    match, _ = add_records(engine, alice, matching, other)

    assert listed(alice, **query) == [match]
    assert listed(alice, **query, sort="model") == [match]


@pytest.mark.parametrize(
    ("word", "states"),
    [
        ("processing", ["queued", "processing"]),
        ("completed", ["completed"]),
        ("failed", ["failed", "cancelled"]),
        ("queued", ["queued"]),
        ("cancelled", ["cancelled"]),
    ],
)
def test_a_status_is_the_documents_word_or_a_state_of_its_own(
    alice: Person, engine: Engine, word: str, states: list[str]
) -> None:
    add_records(engine, alice, *ONE_OF_EACH)

    found = ask(alice, status=word).get_json()["data"]

    assert [each["state"] for each in found] == states


@pytest.mark.parametrize("order", [None, "asc", "desc"])
def test_a_status_of_two_states_is_one_list_in_the_order_of_time(
    alice: Person, engine: Engine, order: str | None
) -> None:
    states = [Status.QUEUED, Status.QUEUED, Status.PROCESSING, Status.QUEUED, Status.COMPLETED, Status.PROCESSING]
    ids = add_records(engine, alice, *[{"status": state, "seconds": 1} for state in states])
    wanted = [ids[0], ids[1], ids[2], ids[3], ids[5]]
    asked = {"order": order} if order else {}

    pages = walked(alice, status="processing", limit=2, **asked)
    by_number = [listed(alice, status="processing", per_page=2, page=page, **asked) for page in (1, 2, 3)]

    assert pages == by_number
    assert (
        pages
        == {
            None: [wanted[3:], wanted[1:3], wanted[:1]],
            "asc": [wanted[:2], wanted[2:4], wanted[4:]],
            "desc": [wanted[:2:-1], wanted[2:0:-1], wanted[:1]],
        }[order]
    )


SORTED = [
    ("created_at", "seconds", [3, 1, 2, 1]),
    ("type", "kind", [Kind.TEXT_TO_IMAGE, Kind.IMAGE_TO_IMAGE, Kind.TEXT_TO_IMAGE, Kind.IMAGE_TO_VIDEO]),
    ("status", "status", [Status.QUEUED, Status.COMPLETED, Status.FAILED, Status.COMPLETED]),
    ("model", "model", ["b", "B", "a", "b"]),
    ("sampling_method", "sampling_method", ["Euler a", "DDIM", "Euler", "DDIM"]),
    ("steps", "steps", [20, 3, 100, 3]),
    ("seed", "seed", [2**63 - 1, 0, 7, 0]),
    ("width", "width", [512, 64, 1024, 64]),
    ("height", "height", [512, 64, 1024, 64]),
    ("favorite", "favorite", [True, False, True, False]),
    ("prompt", "prompt", ["b", "猫", "Z", "b"]),
    ("user", "prompt", ["a", "a", "a", "a"]),
]


@pytest.mark.parametrize(("sort", "column", "values"), SORTED, ids=[sort for sort, _, _ in SORTED])
@pytest.mark.parametrize("limit", [1, 3])
def test_a_list_can_be_sorted_both_ways_and_what_is_equal_goes_by_time(
    alice: Person, engine: Engine, sort: str, column: str, values: list[Any], limit: int
) -> None:
    ids = add_records(engine, alice, *[{"seconds": 5, column: value} for value in values])
    ascending = [id for _, id in sorted(zip(values, ids, strict=True))]

    up, down = (walked(alice, sort=sort, order=order, limit=limit) for order in ("asc", "desc"))

    assert list(chain.from_iterable(up)) == ascending
    assert list(chain.from_iterable(down)) == ascending[::-1]


@pytest.mark.parametrize("sort", ["has_result", "result"])
def test_what_has_a_result_can_be_seen_together(alice: Person, engine: Engine, sort: str) -> None:
    ids = add_records(engine, alice, {}, {"status": Status.FAILED}, {}, {"status": Status.QUEUED})

    assert listed(alice, sort=sort) == [ids[1], ids[3], ids[0], ids[2]]


def test_a_sort_goes_with_filters(alice: Person, engine: Engine) -> None:
    rows = [{"seed": 1, "steps": 9}, {"seed": 2, "steps": 1}, {"seed": 1, "steps": 3}, {"seed": 1, "steps": 5}]
    ids = add_records(engine, alice, *rows)

    assert walked(alice, seed=1, sort="steps", limit=2) == [[ids[2], ids[3]], [ids[0]]]
    assert walked(alice, model="tiny", sort="steps", order="desc", limit=3) == [[ids[0], ids[3], ids[2]], [ids[1]]]
    assert walked(alice, seed=1, sort="seed", limit=2) == [[ids[0], ids[2]], [ids[3]]]


def test_what_was_made_at_the_same_moment_is_told_once(alice: Person, engine: Engine) -> None:
    ids = add_records(engine, alice, *[{"seconds": 0.000001}] * 7)

    assert walked(alice, limit=3) == [ids[4:], ids[1:4], ids[:1]]
    assert walked(alice, limit=3, order="desc") == [ids[:3:-1], ids[3:0:-1], ids[:1]]
    assert walked(alice, limit=3, sort="model", order="asc") == [ids[:3], ids[3:6], ids[6:]]


@pytest.mark.parametrize("query", [{}, {"sort": "steps"}, {"sort": "steps", "order": "desc"}, {"status": "completed"}])
def test_new_tasks_do_not_disturb_who_is_on_the_way(alice: Person, engine: Engine, query: dict[str, str]) -> None:
    ids = add_records(engine, alice, *[{"steps": 20}] * 5)
    first = ask(alice, limit=2, **query).get_json()
    newer = add_records(engine, alice, {"steps": 20}, {"steps": 3}, {"steps": 50})

    rest = walked(alice, **query, limit=2, cursor=first["next_cursor"])

    found = [each["task_id"] for each in first["data"]] + list(chain.from_iterable(rest))
    assert sorted(set(found) - set(newer)) == ids
    assert len(set(found)) == len(found)


def test_a_page_has_a_number_too(alice: Person, engine: Engine) -> None:
    ids = add_records(engine, alice, *[{}] * 5)

    pages = [listed(alice, page=page, per_page=2) for page in (1, 2, 3, 4)]

    assert pages == [ids[3:], ids[1:3], ids[:1], []]


@pytest.mark.parametrize("query", [{"sort": "seed"}, {"sort": "model", "order": "desc"}, {"model": "tiny"}])
def test_numbers_and_cursors_lead_to_the_same_pages(alice: Person, engine: Engine, query: dict[str, str]) -> None:
    add_records(engine, alice, *[{"seed": seed % 3, "model": "ab"[seed % 2]} for seed in range(6)], {}, {})

    by_number = [listed(alice, page=page, per_page=3, **query) for page in (1, 2, 3)]

    assert [page for page in by_number if page] == walked(alice, limit=3, **query)


def test_a_numbered_page_has_a_cursor_to_go_on_with(alice: Person, engine: Engine) -> None:
    ids = add_records(engine, alice, *[{}] * 5)

    cursor = ask(alice, page=2, per_page=2).get_json()["next_cursor"]

    assert listed(alice, cursor=cursor, limit=2) == ids[:1]


@pytest.mark.parametrize("query", [{"page": 1_000_000, "per_page": 1000}, {"page": 2}])
def test_beyond_the_end_there_is_nothing(alice: Person, engine: Engine, query: dict[str, int]) -> None:
    add_records(engine, alice, {}, {})

    body = ask(alice, **query).get_json()

    assert (body["data"], body["next_cursor"]) == ([], None)


def test_a_page_of_all_there_is_has_no_cursor(alice: Person, engine: Engine) -> None:
    add_records(engine, alice, {}, {})

    assert ask(alice, limit=2).get_json()["next_cursor"] is None


def test_old_years_and_microseconds_are_kept_apart_in_a_cursor(alice: Person, engine: Engine) -> None:
    moments = [START.replace(year=1001), START, START + timedelta(microseconds=1), START.replace(year=9998)]
    ids = add_records(engine, alice, *[{"created_at": moment} for moment in moments])

    assert walked(alice, limit=1, order="asc") == [[id] for id in ids]


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # nothing of this reaches a database
@pytest.mark.parametrize(
    ("field", "code", "query"),
    [
        ("start", "bad_moment", "start=yesterday"),
        ("start", "bad_moment", "start="),
        ("start", "bad_moment", "start=2025-01-01&start=2025-01-02"),
        ("end", "bad_moment", "end=2025-13-01"),
        ("end", "bad_moment", "end=9999-12-31T23:59:59-14:00"),
        ("type", "enum", "type=text"),
        ("type", "enum", "type=t2i&type=i2i"),
        ("status", "literal_error", "status=pending"),
        ("model", "string_too_short", "model="),
        ("model", "string_too_long", "model=" + "x" * 129),
        ("model", "nul", "model=a%00b"),
        ("sampling_method", "string_too_long", "sampling_method=" + "x" * 65),
        ("steps", "int_parsing", "steps=many"),
        ("steps", "int_parsing", "steps=1.5"),
        ("steps", "greater_than_equal", "steps=-1"),
        ("steps", "less_than", f"steps={2**31}"),
        ("width", "int_parsing_size", "width=" + "9" * 5000),
        ("height", "int_parsing", "height=%F0%9F%98%80"),
        ("seed", "int_type", "seed=-1"),
        ("seed", "less_than", f"seed={2**63}"),
        ("prompt", "string_too_short", "prompt="),
        ("prompt", "string_too_long", "prompt=" + "x" * 1_000_000),
        ("prompt", "nul", "prompt=%00"),
        ("has_result", "bool_parsing", "has_result=maybe"),
        ("favorite", "bool_parsing", "favorite=2"),
        ("sort", "literal_error", "sort=guidance_scale"),
        ("sort", "literal_error", "sort=user_id"),
        ("order", "literal_error", "order=up"),
        ("limit", "greater_than_equal", "limit=0"),
        ("limit", "less_than_equal", "limit=1001"),
        ("limit", "int_parsing", "limit=ten"),
        ("page", "greater_than_equal", "page=0"),
        ("page", "less_than_equal", "page=1000001"),
        ("per_page", "less_than_equal", "per_page=1001"),
        ("page", "exclusive", "page=1&limit=10"),
        ("per_page", "exclusive", "per_page=1&cursor=x"),
        ("surprise", "extra_forbidden", "surprise=1"),
    ],
    ids=lambda value: value[:40],
)
def test_a_query_that_is_not_valid_names_the_field(alice: Person, field: str, code: str, query: str) -> None:
    response = alice.call("GET", f"/api/v1/user/generation_list?{query}")

    assert problem(response) == (400, field, code)
