"""Cursors of the history: good for the list that they came from, and never more than a 400."""

import base64
import json
from itertools import chain
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.backend.conftest import Person
from tests.backend.records import add_records, ask, listed, make_admin, problem, walked

BAD = (400, "cursor", "bad_cursor")


def unpacked(cursor: str) -> list[Any]:
    found: list[Any] = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    return found


def packed(position: Any) -> str:
    text = position if isinstance(position, bytes) else json.dumps(position).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def cursor_of(person: Person, **query: Any) -> str:
    cursor: str = ask(person, limit=1, **query).get_json()["next_cursor"]
    return cursor


@pytest.fixture
def ids(alice: Person, engine: Engine) -> list[str]:
    return add_records(engine, alice, *[{"seed": seed, "prompt": f"{seed} 😀"} for seed in range(4)])


def test_a_cursor_can_be_used_again_and_with_another_limit(alice: Person, ids: list[str]) -> None:
    cursor = cursor_of(alice)

    assert listed(alice, cursor=cursor, limit=1) == ids[2:3]
    assert listed(alice, cursor=cursor) == ids[:3]


def test_the_row_that_a_cursor_points_at_may_have_gone(alice: Person, ids: list[str]) -> None:
    cursor = cursor_of(alice)
    alice.call("POST", "/api/v1/user/generation_list", json={"task_id": ids[3]})

    assert listed(alice, cursor=cursor) == ids[:3]


@pytest.mark.parametrize(
    "other",
    [
        {"sort": "seed"},
        {"order": "asc"},
        {"order": "desc"},
        {"model": "tiny"},
        {"status": "completed"},
        {"prompt": "😀"},
        {"end": "2030-01-01"},
        {"favorite": "false"},
    ],
    ids=str,
)
def test_a_cursor_is_of_no_use_for_another_list(alice: Person, ids: list[str], other: dict[str, Any]) -> None:
    assert problem(ask(alice, cursor=cursor_of(alice), **other)) == BAD
    assert problem(ask(alice, cursor=cursor_of(alice, **other))) == BAD


def test_a_cursor_is_of_no_use_to_somebody_else(alice: Person, bob: Person, engine: Engine, ids: list[str]) -> None:
    make_admin(engine, bob)

    assert problem(ask(bob, cursor=cursor_of(alice))) == BAD
    assert problem(ask(bob, cursor=cursor_of(bob, user=alice.account))) == BAD


@pytest.mark.parametrize(
    "query", [{}, {"sort": "seed"}, {"sort": "model"}, {"sort": "favorite"}, {"sort": "prompt"}], ids=str
)
@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, "0" * 16),
        (0, None),
        (0, ["x"]),
        (1, {"a": 1}),
        (1, [1]),
        (1, 1.5),
        (1, -1),
        (1, 2**63),
        (1, "\ud800"),
        (2, None),
        (2, "now"),
        (2, 10**30),
        (2, -(10**17)),
        (2, float("nan")),
        (2, float("inf")),
        (2, [1]),
        (3, None),
        (3, "1"),
        (3, 1.0),
        (3, True),
        (3, -1),
        (3, 2**63),
    ],
    ids=repr,
)
@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
def test_a_forged_position_is_refused(
    alice: Person, ids: list[str], query: dict[str, Any], place: int, value: Any
) -> None:
    position = unpacked(cursor_of(alice, **query))
    position[place] = value

    assert problem(ask(alice, cursor=packed(position), **query)) == BAD


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "====",
        "é😀",
        "\0",
        "' OR 1=1 --",
        packed(b"\xff\xfe"),
        packed(b"{"),
        packed(b"[" * 500),
        packed(b"9" * 1400),
        packed([]),
        packed({}),
        packed(None),
        packed(["a", "b", "c"]),
        packed(["a", "b", "c", "d", "e"]),
        packed("abcd"),
        "A" * 3000,
        "A" * 1_000_000,
    ],
    ids=lambda cursor: cursor[:20],
)
@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
def test_garbage_is_no_cursor(alice: Person, cursor: str) -> None:
    assert problem(ask(alice, cursor=cursor)) == BAD


def test_two_cursors_are_none(alice: Person, ids: list[str]) -> None:
    cursor = cursor_of(alice)

    response = alice.call("GET", f"/api/v1/user/generation_list?cursor={cursor}&cursor={cursor}")

    assert problem(response) == (400, "cursor", "string_type")


@pytest.mark.parametrize(
    ("place", "value"),
    [(1, ""), (1, "\0"), (1, "x" * 500), (1, " "), (2, 0), (2, 2**50), (2, -(10**16)), (3, 0), (3, 2**63 - 1)],
    ids=repr,
)
def test_a_position_that_could_be_is_one_that_may_not_exist_any_more(
    alice: Person, ids: list[str], place: int, value: Any
) -> None:
    position = unpacked(cursor_of(alice, sort="model"))
    position[place] = value

    assert set(listed(alice, sort="model", cursor=packed(position))) <= set(ids)


def test_a_position_outside_the_asked_time_leads_to_nothing_outside_it(alice: Person, engine: Engine) -> None:
    ids = add_records(engine, alice, *[{"seconds": second} for second in range(6)])
    window = {"start": "2025-11-04T17:00:01Z", "end": "2025-11-04T17:00:05Z"}
    position = unpacked(cursor_of(alice, **window))
    beyond = [*position[:2], position[2] + 10**8, position[3]]

    assert listed(alice, **window, cursor=packed(beyond)) == ids[1:5]


@pytest.mark.parametrize("sort", ["prompt", "model", "sampling_method"])
def test_a_text_in_a_cursor_may_be_long_and_of_any_letters(alice: Person, engine: Engine, sort: str) -> None:
    texts = ["😀" * 60 + end for end in "ab"] + ["'\"\\ \n\t", "  spaces  "]
    ids = add_records(engine, alice, *[{sort: text} for text in texts])

    pages = walked(alice, sort=sort, limit=1)

    assert sorted(chain.from_iterable(pages)) == ids
