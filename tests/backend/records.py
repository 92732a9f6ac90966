"""What the tests of the history share: many rows at once, and short calls."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, insert, select, update
from werkzeug.test import TestResponse

from shared import db
from shared.generation import Kind
from shared.lifecycle import Status
from shared.models import Task, User
from tests.backend.conftest import Person
from tests.orders import PARAMETERS, result_entry

PATH = "/api/v1/user/generation_list"
START = datetime(2025, 11, 4, 17, tzinfo=UTC)
SEARCHED = ("model", "sampling_method", "steps", "seed", "width", "height")
_numbers = itertools.count(1)


def record(user_id: int, seconds: float | None = None, files: int = 1, **values: Any) -> dict[str, Any]:
    """The row of a task, completed with so many files unless a status is given; `seconds` after START it was made."""
    number = next(_numbers)
    public_id = f"task_{number:020x}"
    names = [f"{public_id}{f'_{n}' if n > 1 else ''}.png" for n in range(1, files + 1)]
    status = values.get("status", Status.COMPLETED)
    made = [result_entry(name) for name in names] if status is Status.COMPLETED else None
    searched = {name: values.get(name, getattr(PARAMETERS, name)) for name in SEARCHED}
    return {
        "public_id": public_id,
        "user_id": user_id,
        "kind": Kind.TEXT_TO_IMAGE,
        "status": status,
        "queue": "gpu",
        "prompt": "a red circle",
        "parameters": {**PARAMETERS.as_dict(), **searched},
        **searched,
        "images": None,
        "batch_key": "-",
        "results": made,
        "has_result": made is not None,
        "favorite": False,
        "created_at": START + timedelta(seconds=number if seconds is None else seconds),
        **values,
    }


def add_records(engine: Engine, person: Person, *records: dict[str, Any]) -> list[str]:
    """The person's tasks, from the values that matter; returns their ids."""
    user_id = id_of(engine, person)
    rows = [record(user_id, **values) for values in records]
    with db.write(engine) as connection:
        connection.execute(insert(Task), rows)
    return [row["public_id"] for row in rows]


def id_of(engine: Engine, person: Person) -> int:
    with engine.connect() as connection:
        found: int = connection.execute(select(User.id).where(User.account == person.account)).scalar_one()
    return found


def make_admin(engine: Engine, person: Person) -> None:
    with db.write(engine) as connection:
        connection.execute(update(User).where(User.account == person.account).values(role="admin"))


def ask(person: Person, **query: Any) -> TestResponse:
    return person.call("GET", PATH, query_string=query)


def listed(person: Person, **query: Any) -> list[str]:
    """The ids of a page."""
    return [each["task_id"] for each in ask(person, **query).get_json()["data"]]


def walked(person: Person, **query: Any) -> list[list[str]]:
    """The ids page by page, from cursor to cursor."""
    pages, body = [], ask(person, **query).get_json()
    while True:
        pages.append([each["task_id"] for each in body["data"]])
        if body["next_cursor"] is None:
            return pages
        body = ask(person, **{**query, "cursor": body["next_cursor"]}).get_json()


def delete(person: Person, **body: Any) -> TestResponse:
    return person.call("POST", PATH, json=body)


def problem(response: TestResponse) -> tuple[int, str, str]:
    """The status, the first field and what is wrong with it."""
    [first, *_] = response.get_json()["error"]["fields"]
    return response.status_code, first["field"], first["code"]
