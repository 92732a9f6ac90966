"""A user's trash: what they have deleted, until it is had back or its time is over.

One deletion is one item: a record with the favourites that referred to it, or favourites with all below them.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, select, update
from sqlalchemy.orm import Session

from backend.services.administration.paging import RowPage, newest_first
from backend.services.cursor import MAX_NUMBER
from backend.services.favorite_tree import Node
from backend.services.favorites import Favorites
from backend.services.files import StoredFile
from backend.services.links import Links
from backend.services.restored_favorites import RestoredFavorites
from shared.clock import database_now
from shared.db import writing
from shared.erasure import kept
from shared.errors import NotFound, NothingToRestore
from shared.models import Task, TrashedFavorite, TrashItem
from shared.storage import Storage, discard
from shared.trash import GIVEN_UP, expired, release, remove, there

SHOWN_CHARACTERS = 120  # of a prompt
AT_ONCE = 100
THUMBNAIL = re.compile(r"trash_([1-9][0-9]{0,17})\.webp", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Item:
    """A deletion. A record is called by its prompt, favourites by their node; so many `favorites` came along.

    It is removed for good after `expires_at`. `link` is the query of the signed form of its thumbnail's url.
    """

    id: int
    type: str
    name: str
    task_id: str | None
    favorites: int
    bytes: int
    deleted_at: datetime
    expires_at: datetime
    thumbnail: str | None
    link: str


@dataclass(frozen=True, kw_only=True)
class Restored:
    """An item that has come back, with the favourites as they are now."""

    id: int
    type: str
    task_id: str | None
    favorites: Sequence[Node]


class Trash:
    """The trash of all users, kept for so many days; somebody else's item is NotFound, as an unknown one."""

    def __init__(self, session: Session, favorites: Favorites, storage: Storage, links: Links, days: float) -> None:
        self._session = session
        self._favorites = favorites
        self._storage = storage
        self._links = links
        self._days = days

    def page(self, user_id: int, limit: int, cursor: str | None) -> RowPage:
        """Items, the newest deletion first. Raises Invalid for a cursor that is none."""
        prompt = func.substr(Task.prompt, 1, SHOWN_CHARACTERS)
        columns: tuple[Any, ...] = (TrashItem.id, TrashItem.deleted_at.label("created_at"), Task.public_id)
        facts: tuple[Any, ...] = (func.coalesce(TrashItem.name, prompt).label("name"), Task.bytes, Task.results)
        chosen = select(*columns, *facts).outerjoin(Task, Task.id == TrashItem.task_id).where(*self._own(user_id))
        found = newest_first(self._session, chosen, TrashItem.id, limit, cursor)
        counts = self._count(row.id for row in found.items)
        return RowPage([self._item(row, counts.get(row.id, 0)) for row in found.items], found.next_cursor)

    def restore(self, user_id: int, ids: Sequence[int]) -> list[Restored]:
        """All of these or, where one cannot come back, none; the answer is in their order.

        Raises NotFound, NothingToRestore, FavoritesFull.
        """
        with self._favorites.changing(user_id) as tree:
            items = self._locked(user_id, set(ids))
            returning = RestoredFavorites(self._session, user_id, tree)
            # the last deletion first: a folder before what was taken out of it
            restored = {item.id: self._restored(item, returning) for item in reversed(items)}
            for number, id in enumerate(ids):
                if restored[id].task_id is None and not restored[id].favorites:
                    raise NothingToRestore.of(f"ids.{number}", "nothing_to_restore")
            self._favorites.refuse_overfull(tree)
        return [restored[id] for id in ids]

    def remove(self, user_id: int, item_id: int) -> None:
        """Remove it for good, now. Raises NotFound."""
        with writing(self._session):
            keys = remove(self._session.connection(), min(item_id, MAX_NUMBER), *self._own(user_id))
        if keys is None:
            raise NotFound(str(item_id))
        discard(self._storage, keys)
        self._release(user_id)

    def empty(self, user_id: int) -> None:
        """Give up everything in it: some goes now, the rest at the workers' next rounds, and none counts any more."""
        emptied = select(TrashItem.task_id).where(TrashItem.user_id == user_id, TrashItem.deleted_at == GIVEN_UP)
        mine = (Task.user_id == user_id, Task.deleted_at.is_not(None), Task.id.in_(emptied))
        with writing(self._session):
            self._session.execute(update(TrashItem).where(*self._own(user_id)).values(deleted_at=GIVEN_UP))
            self._session.execute(update(Task).where(*mine).values(bytes=0))
        over = (TrashItem.user_id == user_id, expired(self._days))
        for item_id in self._session.scalars(select(TrashItem.id).where(*over).limit(AT_ONCE)).all():
            with writing(self._session):
                keys = remove(self._session.connection(), item_id, *over)
            discard(self._storage, keys or ())
        self._release(user_id)

    def thumbnail(self, user_id: int | None, name: str) -> StoredFile:
        """By the last part of its url; None is whoever has a signed link. Raises NotFound."""
        match = THUMBNAIL.fullmatch(name)
        if match is None:
            raise NotFound(name)
        own = (TrashItem.id == int(match[1]), *self._own(user_id))
        results = self._session.scalar(select(Task.results).join(TrashItem, Task.id == TrashItem.task_id).where(*own))
        entry = results[0].get("thumbnail") if results else None
        if entry is None:
            raise NotFound(name)
        return StoredFile(name, entry["key"], entry["media_type"], entry["bytes"], entry["sha256"])

    def _release(self, user_id: int) -> None:
        with writing(self._session):
            release(self._session.connection(), user_id)

    def _own(self, user_id: int | None) -> list[ColumnElement[bool]]:
        """What they see; all users' for None."""
        return [there(self._days), kept(TrashItem.user_id) if user_id is None else TrashItem.user_id == user_id]

    def _locked(self, user_id: int, ids: Collection[int]) -> Sequence[Row[Any]]:
        """These items in the order of their deletions. Raises NotFound."""
        columns: tuple[Any, ...] = (TrashItem.id, TrashItem.task_id)
        mine = select(*columns).where(TrashItem.id.in_(ids), *self._own(user_id))
        items = self._session.execute(mine.order_by(TrashItem.id).with_for_update()).all()
        if missing := set(ids) - {item.id for item in items}:
            raise NotFound(str(missing))
        return items

    def _restored(self, item: Row[Any], returning: RestoredFavorites) -> Restored:
        record = Task.id == item.task_id
        back = {"deleted_at": None, "updated_at": database_now()}
        self._session.execute(update(Task).where(record).values(back))
        public_id = self._session.scalar(select(Task.public_id).where(record))
        nodes = returning.put_back(item.id)
        self._session.execute(delete(TrashItem).where(TrashItem.id == item.id))
        return Restored(id=item.id, type=_type(public_id), task_id=public_id, favorites=nodes)

    def _count(self, ids: Iterable[int]) -> dict[int, int]:
        """How many nodes each of these items has."""
        item = TrashedFavorite.item_id
        counted = select(item, func.count()).where(item.in_(list(ids))).group_by(item)
        return dict(self._session.execute(counted).all())

    def _item(self, row: Row[Any], favorites: int) -> Item:
        thumbnail = f"trash_{row.id}.webp" if row.results and "thumbnail" in row.results[0] else None
        return Item(
            id=row.id,
            type=_type(row.public_id),
            name=row.name,
            task_id=row.public_id,
            favorites=favorites,
            bytes=row.bytes or 0,
            deleted_at=row.created_at,
            expires_at=row.created_at + timedelta(days=self._days),
            thumbnail=thumbnail,
            link=self._links.sign(thumbnail) if thumbnail else "",
        )


def _type(public_id: str | None) -> str:
    return "favorite" if public_id is None else "record"
