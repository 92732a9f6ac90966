"""What the tests of administration share."""

from typing import Any

from sqlalchemy import Engine, select, update
from werkzeug.test import TestResponse

from shared import db
from shared.models import AuditEntry, User
from tests.backend.conftest import Person
from tests.backend.records import id_of

ADMIN = "/api/v1/admin"
BAD_TEXTS: tuple[Any, ...] = (None, 7, True, [], {}, "", "a\0b", "😀" * 3000, "x" * 1_000_000)


def call(person: Person, method: str, path: str, **options: Any) -> TestResponse:
    """A route of the administration."""
    return person.call(method, ADMIN + path, **options)


def entries(engine: Engine) -> list[tuple[str, str, str, dict[str, Any]]]:
    """What the audit log says, the first one first."""
    columns = (AuditEntry.admin, AuditEntry.action, AuditEntry.subject, AuditEntry.details)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(select(*columns).order_by(AuditEntry.id))]


def of_user(person: Person, engine: Engine, rest: str = "") -> str:
    """The path of a user."""
    return f"/users/{id_of(engine, person)}{rest}"


def change(engine: Engine, person: Person, **values: Any) -> None:
    """What the user's row says from now on."""
    with db.write(engine) as connection:
        connection.execute(update(User).where(User.account == person.account).values(**values))


def refused(response: TestResponse) -> tuple[int, str]:
    """The status and the code."""
    return response.status_code, response.get_json()["error"]["code"]
