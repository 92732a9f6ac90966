"""Accounts that are erased: what is left of one, where that can be, and what it is called where nothing may be removed.

The web tier takes the name away and marks the row; workers remove everything else (worker/eraser.py).
"""

from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, exists, func, select, update
from sqlalchemy.orm import InstrumentedAttribute

from shared.clock import database_now
from shared.models import AuditEntry, Base, User

DONE_SECONDS = 3600.0  # an erasure that takes longer is in trouble
SETTLE_SECONDS = 60.0  # a request that was let in before the erasure has ended by then
USERS: Any = User.__table__.c


def pseudonym(user_id: int) -> str:
    """What the audit log calls them: no account's name has an @."""
    return f"erased@{user_id}"


def kept(owner: ColumnElement[Any] | InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """Whether this owner is not being erased: nothing of one who is is served any more, not even by a link."""
    return ~exists().where(USERS.id == owner, USERS.erased_at.is_not(None))


def late() -> ColumnElement[bool]:
    """Users whose erasure should have come to its end."""
    return User.erased_at < database_now(-DONE_SECONDS)


def anonymise(connection: Connection, user_id: int) -> None:
    """Their actions as an administrator stay, by number."""
    theirs = update(AuditEntry).where(AuditEntry.admin_id == user_id)
    connection.execute(theirs.values(admin_id=None, admin=pseudonym(user_id)))


def references() -> list[Column[Any]]:
    """Every column of every table that says whose a row is."""
    columns = [column for table in Base.metadata.sorted_tables for column in table.columns]
    return [column for column in columns if column.name == "user_id" or column.references(USERS.id)]


def remaining(connection: Connection, user_id: int) -> dict[str, int]:
    """How many rows there are of this user, by table and column; only where there are some."""
    counts = {
        f"{column.table.name}.{column.name}": connection.scalar(
            select(func.count()).select_from(column.table).where(column == user_id)
        )
        for column in references()
    }
    return {name: count for name, count in counts.items() if count}
