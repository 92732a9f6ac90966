"""The trash: what goes in, for how long it stays, and what becomes of it then. Knows no user's wishes.

All of it is part of the caller's transaction, one that writes. An item's row goes before its files do, so
that a crash in between leaves files that no row knows, which the sweep and the doctor find. Locks are taken in one
order: the root of the favourites, items of the trash, tasks, uploads, nodes.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, exists, false, insert, select, update

from shared.clock import database_now
from shared.kept import entries
from shared.lifecycle import ENDED
from shared.models import Favorite, Task, TrashedFavorite, TrashItem, Upload

DAY = 24 * 3600
GIVEN_UP = datetime(1970, 1, 1, tzinfo=UTC)  # the `deleted_at` of what its user has emptied from the trash


def expired(days: float) -> ColumnElement[bool]:
    """Items that are to be removed for good."""
    return TrashItem.deleted_at <= database_now(-days * DAY)


def there(days: float) -> ColumnElement[bool]:
    """Items that their users see."""
    return TrashItem.deleted_at > database_now(-days * DAY)


def remove(connection: Connection, item_id: int, *still: ColumnElement[bool]) -> list[str] | None:
    """Remove an item for good, with the task whose record it is. Returns the keys of files that are to go after it.

    None where it is not there, is no longer as `still` says, or is in somebody else's hands at this moment.
    """
    locked = select(TrashItem.task_id).where(TrashItem.id == item_id, *still).with_for_update(skip_locked=True)
    item = connection.execute(locked).one_or_none()
    if item is None:
        return None
    connection.execute(delete(TrashedFavorite).where(TrashedFavorite.item_id == item_id))
    connection.execute(delete(TrashItem).where(TrashItem.id == item_id))
    record = Task.id == item.task_id
    results = connection.scalar(select(Task.results).where(record).with_for_update())
    connection.execute(delete(Task).where(record))
    return [entry["key"] for entry in entries(results)]


def release(connection: Connection, user_id: int) -> int:
    """Let the uploads go that nothing of the user refers to any more: they are unused again. Returns how many.

    They are locked before it is looked who refers to them, so that nobody begins to meanwhile.
    """
    used = (Upload.user_id == user_id, Upload.used_at.is_not(None))
    if not _unreferred(connection, user_id, connection.execute(select(*OF_UPLOAD).where(*used)).all()):
        return 0
    locked = connection.execute(select(*OF_UPLOAD).where(*used).order_by(Upload.id).with_for_update()).all()
    unused = Upload.id.in_(_unreferred(connection, user_id, locked))
    return connection.execute(update(Upload).where(unused).values(used_at=None)).rowcount


def retire(connection: Connection, days: float, limit: int) -> int:
    """Put finished tasks into the trash that are no favourites and were not touched for so long. Returns how many."""
    ids = connection.scalars(_retired(days).limit(limit).with_for_update(skip_locked=True)).all()
    moment = {"deleted_at": database_now(), "updated_at": database_now()}
    connection.execute(update(Task).where(Task.id.in_(ids)).values(moment))
    adopt(connection, Task.id.in_(ids))
    return len(ids)


def adopt(connection: Connection, *which: ColumnElement[bool]) -> int:
    """Make the items of deleted records that have none. Returns of how many."""
    records = select(Task.user_id, Task.id, Task.deleted_at).where(*which, *STRAY).order_by(Task.deleted_at)
    return connection.execute(insert(TrashItem).from_select(["user_id", "task_id", "deleted_at"], records)).rowcount


OF_UPLOAD: tuple[Any, ...] = (Upload.id, Upload.key)
STRAY = (Task.deleted_at.is_not(None), ~exists().where(TrashItem.task_id == Task.id))


def _unreferred(connection: Connection, user_id: int, uploads: Sequence[Any]) -> list[int]:
    """The ids of these uploads that no task, no favourite and nothing in the trash refers to."""
    images = select(Task.images).where(Task.user_id == user_id, Task.images.is_not(None))
    keys = {image["key"] for each in connection.scalars(images) for image in each or ()}
    kept = {
        *connection.scalars(select(Favorite.upload_id).where(Favorite.user_id == user_id)),
        *connection.scalars(select(TrashedFavorite.upload_id).join(TrashItem).where(TrashItem.user_id == user_id)),
    }
    return [upload.id for upload in uploads if upload.key not in keys and upload.id not in kept]


def _retired(days: float) -> Any:
    """Whatever happens to a task stamps `updated_at`: its end, becoming a favourite or ceasing to be one, a restore."""
    loose = (Task.favorite == false(), Task.deleted_at.is_(None), Task.status.in_(ENDED))
    return select(Task.id).where(*loose, Task.updated_at < database_now(-days * DAY)).order_by(Task.updated_at)
