"""What the tests of the trash share: short calls, and records with files."""

from typing import Any

from sqlalchemy import Engine, update
from werkzeug.test import TestResponse

from shared import clock, db
from shared.models import Task, TrashItem
from shared.storage import LocalStorage
from tests.backend.conftest import Person
from tests.backend.records import add_records
from tests.orders import result_entry

PATH = "/api/v1/trash"
PICTURE, SMALL = b"\x89PNG a picture", b"RIFF a small one"


def items(person: Person, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.call("GET", PATH, query_string=query).get_json()["data"]
    return found


def ids(person: Person) -> list[int]:
    return [item["id"] for item in items(person)]


def restore(person: Person, *items: int) -> TestResponse:
    return person.call("POST", f"{PATH}/restore", json={"ids": items})


def code(response: TestResponse) -> tuple[int, str]:
    return response.status_code, response.get_json()["error"]["code"]


def add_record(engine: Engine, storage: LocalStorage, person: Person, **values: Any) -> str:
    """A completed task with a picture and its thumbnail in the storage, and their bytes counted; returns its id."""
    [task] = add_records(engine, person, {"bytes": len(PICTURE) + len(SMALL), **values})
    keys = key_of(task), key_of(task).replace(".png", ".thumb.webp")
    thumbnail = result_entry(f"{task}_thumb.webp", keys[1], SMALL, media_type="image/webp")
    results = [result_entry(f"{task}.png", keys[0], PICTURE, thumbnail=thumbnail)]
    with db.write(engine) as connection:
        connection.execute(update(Task).where(Task.public_id == task).values(results=results))
    storage.save(keys[0], PICTURE)
    storage.save(keys[1], SMALL)
    return task


def key_of(task: str) -> str:
    return f"results/aa/{task}.1.1.png"


def age(engine: Engine, days: float) -> None:
    """Everything in everybody's trash was deleted so long ago."""
    with db.write(engine) as connection:
        connection.execute(update(TrashItem).values(deleted_at=clock.database_now(-days * 86400)))
