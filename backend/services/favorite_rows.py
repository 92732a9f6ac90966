"""What favourites do to the rows that they refer to, and how their own move to the trash.

All of it is part of the caller's transaction. Locks are taken in the order that shared/trash.py has.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, literal, select, update
from sqlalchemy.orm import Session

from shared.clock import database_now
from shared.models import Favorite, Task, TrashedFavorite, TrashItem, Upload

CHUNK = 1000  # ids in one statement
MOVED = ("id", "parent_id", "name", "node_type", "refer_url", "task_id", "upload_id", "created_at")


def mark(
    session: Session, row: type[Task] | type[Upload], ids: Collection[int], *where: ColumnElement[bool], **values: Any
) -> set[int]:
    """Give the values to these rows; returns the ids of those that are not there."""
    there: set[int] = set()
    for some in chunks(sorted(ids)):
        locked = session.scalars(select(row.id).where(row.id.in_(some), *where).with_for_update()).all()
        session.execute(update(row).where(row.id.in_(locked)).values(values))
        there.update(locked)
    return set(ids) - there


def add_item(session: Session, user_id: int, task_id: int | None = None, name: str | None = None) -> int:
    """A new item of the user's trash: a record's, or one of favourites by its name. Returns its id."""
    facts = {"user_id": user_id, "task_id": task_id, "name": name, "deleted_at": database_now()}
    added = session.connection().execute(insert(TrashItem).values(facts))
    return int(added.inserted_primary_key[0])  # type: ignore[index]


def throw_away(session: Session, item_id: int, ids: Sequence[int]) -> None:
    """Move these nodes into the item; none has a child that stays, and what somebody else has moved already is his."""
    for some in chunks(ids):
        locked = session.scalars(select(Favorite.id).where(Favorite.id.in_(some)).with_for_update()).all()
        columns = [getattr(Favorite, name) for name in MOVED]
        moved = select(literal(item_id), *columns).where(Favorite.id.in_(locked))
        session.execute(insert(TrashedFavorite).from_select(["item_id", *MOVED], moved))
        session.execute(delete(Favorite).where(Favorite.id.in_(locked)))


def chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """So many that a statement takes them."""
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))
