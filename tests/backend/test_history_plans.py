"""Which index each page of the history is read from, as the database itself explains it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert
from sqlalchemy.orm import Session

from backend.services.favorites import Favorites
from backend.services.files import Files
from backend.services.history import History
from backend.services.history_query import Query
from backend.services.links import Links
from shared import db
from shared.generation import Kind
from shared.lifecycle import Status
from shared.models import Task
from shared.models.task import HISTORY_COLUMNS, history_index
from shared.storage import LocalStorage
from tests.backend.records import START, record
from tests.orders import add_user

PAGE = Query(limit=3)
READ = re.compile(r"(?:SEARCH|SCAN) tasks\b([^(]*)")  # of a plan of SQLite
FAILED = frozenset({Status.FAILED, Status.CANCELLED})
FILTERS: dict[str, dict[str, Any]] = {
    "kind": {"kind": Kind.TEXT_TO_IMAGE},
    "status": {"statuses": frozenset({Status.COMPLETED})},
    "model": {"model": "tiny"},
    "sampling_method": {"sampling_method": "DDIM"},
    "steps": {"steps": 2},
    "seed": {"seed": 7},
    "width": {"width": 64},
    "height": {"height": 64},
    "has_result": {"has_result": True},
    "favorite": {"favorite": False},
    "created_at": {"start": START, "end": START.replace(year=2030)},
}
CHOSEN: list[tuple[str, dict[str, Any]]] = [
    ("created_at", {"prompt": "red"}),
    ("seed", {"seed": 7, "favorite": True, "width": 64, "has_result": True}),
    ("favorite", {"favorite": True, "statuses": FAILED}),
    ("height", {"favorite": False, "height": 64, "width": 64}),
    ("status", {"statuses": FAILED, "model": "tiny", "has_result": False}),
    ("model", {"statuses": frozenset({Status.COMPLETED}), "model": "tiny", "kind": Kind.TEXT_TO_IMAGE}),
    ("steps", {"sort": "steps", "model": "tiny", "start": START, "end": START.replace(year=2030)}),
    ("model", {"sort": "model", "statuses": FAILED}),
    ("seed", {"sort": "model", "seed": 7}),
]


class Explained:
    """A history of some tasks whose statements are kept, to be explained."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._seen: list[tuple[str, Any]] = []
        self.user = add_user(engine)
        statuses = [Status.COMPLETED] * 30 + [Status.FAILED, Status.CANCELLED] * 10
        with db.write(engine) as connection:
            connection.execute(insert(Task), [record(self.user, status=status) for status in statuses])
        event.listen(engine, "before_cursor_execute", self._keep)

    def plans(self, query: Query) -> list[Any]:
        """How the first page, the one behind it and the second by number are found; a line for each table read."""
        with Session(self._engine) as session:
            favorites = Favorites(session, Files(session, LocalStorage(Path("unused"))), 1)
            history = History(session, Links("secret", 60), favorites)
            self._seen.clear()
            cursor = history.page(self.user, query).next_cursor
            history.page(self.user, replace(query, cursor=cursor))
            history.page(self.user, replace(query, page=2))
        return self._explanations()

    def _explanations(self) -> list[Any]:
        explain = "EXPLAIN QUERY PLAN" if self._engine.dialect.name == "sqlite" else "EXPLAIN"
        statements = list(self._seen)
        with self._engine.connect() as connection:
            found = [connection.exec_driver_sql(f"{explain} {text}", values) for text, values in statements]
            return [line for plan in found for line in plan.mappings()]

    def plan_of_count(self, query: Query) -> list[Any]:
        """How the number of all tasks is found."""
        with Session(self._engine) as session:
            favorites = Favorites(session, Files(session, LocalStorage(Path("unused"))), 1)
            self._seen.clear()
            History(session, Links("secret", 60), favorites).count(self.user, query)
        return self._explanations()

    def close(self) -> None:
        event.remove(self._engine, "before_cursor_execute", self._keep)

    def _keep(self, _: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        self._seen.append((statement, parameters))


@pytest.fixture
def explained(engine: Engine) -> Iterator[Explained]:
    explained = Explained(engine)
    yield explained
    explained.close()


def indexes(plans: Sequence[Any]) -> set[str]:
    """The indexes that tasks are found by; PRIMARY is their id, and `tasks` stands for reading all of them."""
    if "detail" not in plans[0]:
        return {line["key"] or "tasks" for line in plans if line["table"] == "tasks"}
    ways = [match[1] for line in plans if (match := READ.match(line["detail"]))]
    return {way.split()[-1] if "INDEX" in way else "PRIMARY" if "PRIMARY" in way else "tasks" for way in ways}


def rows_read(plans: Sequence[Any]) -> list[str]:
    """Where tasks were read themselves, because their index did not know enough."""
    if "detail" in plans[0]:
        return [line["detail"] for line in plans if READ.match(line["detail"]) and "COVERING" not in line["detail"]]
    return [line["Extra"] for line in plans if line["table"] == "tasks" and "Using index" not in line["Extra"]]


def sorts(plans: Sequence[Any]) -> list[str]:
    """Where rows had to be sorted."""
    lines = [line["detail"] if "detail" in line else line["Extra"] or "" for line in plans]
    return [line for line in lines if "TEMP B-TREE" in line or "filesort" in line]


@pytest.mark.parametrize("column", FILTERS)
@pytest.mark.parametrize("order", [None, "asc"])
def test_a_filter_has_an_index_in_the_order_of_time(explained: Explained, column: str, order: Any) -> None:
    plans = explained.plans(replace(PAGE, order=order, **FILTERS[column]))

    assert indexes(plans) == {history_index(column)}
    assert sorts(plans) == []


@pytest.mark.parametrize("column", FILTERS)
@pytest.mark.parametrize("sort", ["created_at", "steps", "prompt"])
def test_counting_reads_the_index_of_a_filter_and_no_row(explained: Explained, column: str, sort: str) -> None:
    plan = explained.plan_of_count(replace(PAGE, sort=sort, **FILTERS[column]))

    assert indexes(plan) == {history_index(column)}
    assert rows_read(plan) == []


@pytest.mark.parametrize("column", HISTORY_COLUMNS)
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_sort_has_an_index(explained: Explained, column: str, order: Any) -> None:
    plans = explained.plans(replace(PAGE, sort=column, order=order))

    assert indexes(plans) == {history_index(column)}
    assert sorts(plans) == []


@pytest.mark.parametrize("order", [None, "asc", "desc"])
def test_without_a_filter_the_order_of_time_has_an_index(explained: Explained, order: Any) -> None:
    plans = explained.plans(replace(PAGE, order=order))

    assert indexes(plans) == {history_index("created_at")}
    assert sorts(plans) == []


def test_two_states_are_two_ranges_of_one_index(explained: Explained) -> None:
    plans = explained.plans(replace(PAGE, statuses=FAILED))

    assert indexes(plans) == {history_index("status"), "PRIMARY"}


def _name(part: str | dict[str, Any]) -> str:
    return part if isinstance(part, str) else " ".join(part)


@pytest.mark.parametrize(("column", "asked"), CHOSEN, ids=_name)
def test_of_several_indexes_the_one_that_leaves_the_least_is_taken(
    explained: Explained, column: str, asked: dict[str, Any]
) -> None:
    plans = explained.plans(replace(PAGE, **asked))

    assert history_index(column) in indexes(plans)
    assert indexes(plans) <= {history_index(column), "PRIMARY"}


def test_sorting_is_done_on_what_a_rare_value_leaves_only(explained: Explained) -> None:
    rare = explained.plans(replace(PAGE, sort="model", seed=7, order="asc"))
    usual = explained.plans(replace(PAGE, sort="model", favorite=False, order="asc"))

    assert sorts(rare)
    assert not sorts(usual)
