"""Any history under any query is what a plain filter and sort over the same rows gives, on both stacks."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, insert
from sqlalchemy.orm import Session

from backend.services.favorites import Favorites
from backend.services.files import Files
from backend.services.history import History
from backend.services.history_query import SORTS, Query
from backend.services.links import Links
from shared import db
from shared.generation import Kind
from shared.lifecycle import Status
from shared.models import Task
from shared.storage import LocalStorage
from tests.backend.records import START, record
from tests.orders import add_user

EXAMPLES = 150
TEXTS = ("a red circle", "A Red", "red%", "r_d", "é", "😀 red", "a\\b/c", "z" * 70)
VALUES: dict[str, tuple[Any, ...]] = {
    "kind": tuple(Kind),
    "model": ("a", "B", "b"),
    "sampling_method": ("DDIM", "Euler"),
    "steps": (0, 3, 20),
    "seed": (0, 7, 2**63 - 1),
    "width": (64, 512),
    "height": (64, 512),
    "has_result": (True, False),
    "favorite": (True, False),
}
MOMENTS = tuple(START + timedelta(microseconds=step) for step in (0, 1, 999_999, 86_400_000_000))

rows = st.fixed_dictionaries(
    {
        **{name: st.sampled_from(values) for name, values in VALUES.items()},
        "status": st.sampled_from(Status),
        "prompt": st.sampled_from(TEXTS),
        "created_at": st.sampled_from(MOMENTS),
        "user_id": st.sampled_from((0, 0, 0, 1)),
        "deleted_at": st.sampled_from((None, None, None, START)),
    }
)
queries = st.builds(
    Query,
    limit=st.integers(1, 7),
    sort=st.sampled_from(SORTS),
    order=st.sampled_from((None, "asc", "desc")),
    start=st.none() | st.sampled_from(MOMENTS),
    end=st.none() | st.sampled_from(MOMENTS),
    statuses=st.just(frozenset()) | st.frozensets(st.sampled_from(Status)),
    prompt=st.none() | st.sampled_from(("red", "RED", "%", "_", "\\", "/", "é", "zz")),
    **{name: st.none() | st.none() | st.sampled_from(values) for name, values in VALUES.items()},
)


@pytest.fixture
def users(engine: Engine) -> list[int]:
    return [add_user(engine), add_user(engine)]


@given(made=st.lists(rows, max_size=20), query=queries)
@settings(
    max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_history_is_what_a_plain_filter_and_sort_gives(
    engine: Engine, users: list[int], made: list[dict[str, Any]], query: Query
) -> None:
    stored = [record(**{**row, "user_id": users[row["user_id"]]}) for row in made]
    with db.write(engine) as connection:
        connection.execute(delete(Task))
        for row in stored:
            connection.execute(insert(Task), row)

    with Session(engine) as session:
        service = _history(session)
        by_cursor = _walked(service, users[0], query)
        by_number = [_ids(service, users[0], replace(query, page=page)) for page in range(1, len(by_cursor) + 1)]

    assert by_cursor == by_number == _plain(users[0], stored, query)


def _history(session: Session) -> History:
    favorites = Favorites(session, Files(session, LocalStorage(Path("unused"))), 1)
    return History(session, Links("secret", 60), favorites)


def _walked(service: History, user: int, query: Query) -> list[list[str]]:
    pages = []
    while True:
        page = service.page(user, query)
        pages.append([each.public_id for each in page.items])
        if page.next_cursor is None:
            return pages
        query = replace(query, cursor=page.next_cursor)


def _ids(service: History, user: int, query: Query) -> list[str]:
    return [each.public_id for each in service.page(user, query).items]


def _plain(user: int, stored: list[dict[str, Any]], query: Query) -> list[list[str]]:
    """The pages, without a database."""
    mine = [row for row in stored if row["user_id"] == user and row["deleted_at"] is None and _matches(row, query)]
    walk_back = query.order is None and query.sort == "created_at"
    ordered = sorted(mine, key=lambda row: _key(row, query.sort), reverse=query.order == "desc" or walk_back)
    ids = [row["public_id"] for row in ordered]
    pages = [ids[first : first + query.limit] for first in range(0, len(ids), query.limit)] or [[]]
    return [page[::-1] if walk_back else page for page in pages]


def _key(row: dict[str, Any], sort: str) -> tuple[Any, datetime, str]:
    value = row["prompt"][:64] if sort == "prompt" else row[sort]
    return value, row["created_at"], row["public_id"]


def _matches(row: dict[str, Any], query: Query) -> bool:
    asked = {name: getattr(query, name) for name in VALUES}
    return (
        all(value is None or row[name] == value for name, value in asked.items())
        and (not query.statuses or row["status"] in query.statuses)
        and (query.start is None or row["created_at"] >= query.start)
        and (query.end is None or row["created_at"] < query.end)
        and (query.prompt is None or _lower(query.prompt) in _lower(row["prompt"]))
    )


def _lower(text: str) -> str:
    """Of ASCII letters only."""
    return "".join(chain.from_iterable(c.lower() if c.isascii() else c for c in text))
