"""How many bytes users have, and may have: results with thumbnails, the trash's too, uploads and the avatar.

Nothing is counted up beside the rows: what a user has is the sum over an index that holds nothing else, so it is right
whatever happens. For 100,000 tasks it takes 10 ms on SQLite and 40 on MariaDB; it is asked for where there is a quota.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from shared.db import by_index
from shared.errors import QuotaExceeded
from shared.models import Favorite, Task, Upload, User
from shared.models.task import BYTES_INDEX

MEGABYTE = 1_000_000


@dataclass(frozen=True, kw_only=True)
class UserUsage:
    """What a user has, in bytes and in numbers; a quota of None is no limit. The root is no favourite."""

    results_bytes: int
    trash_bytes: int
    uploads_bytes: int
    avatar_bytes: int
    quota_bytes: int | None
    records: int
    favorites: int

    @property
    def used_bytes(self) -> int:
        return self.results_bytes + self.trash_bytes + self.uploads_bytes + self.avatar_bytes


class Quotas:
    """Those of all users; `megabytes` is for who has none of their own, and 0 is any number."""

    def __init__(self, session: Session, megabytes: int) -> None:
        self._session = session
        self._default = megabytes * MEGABYTE

    def usage(self, user_id: int) -> UserUsage:
        """All that one user has."""
        user = self._session.execute(select(User.quota_bytes, User.avatar_bytes).where(User.id == user_id)).one()
        records = self._session.execute(_tasks(Task.user_id == user_id, Task.deleted_at.is_(None))).one()
        trash = self._session.execute(_tasks(Task.user_id == user_id, Task.deleted_at.is_not(None))).one()
        nodes = select(func.count()).where(Favorite.user_id == user_id, Favorite.root_of.is_(None))
        return UserUsage(
            results_bytes=int(records.bytes),
            trash_bytes=int(trash.bytes),
            uploads_bytes=int(self._session.scalar(_uploads(Upload.user_id == user_id)) or 0),
            avatar_bytes=user.avatar_bytes,
            quota_bytes=self._allowed(user.quota_bytes) or None,
            records=records.number,
            favorites=self._session.scalar(nodes) or 0,
        )

    def used(self, users: Collection[int]) -> dict[int, int]:
        """The bytes that each of these users has."""
        avatars = select(User.id, User.avatar_bytes).where(User.id.in_(users))
        used: dict[int, int] = dict(self._session.execute(avatars).all())
        for owner, sizes in ((Task.user_id, _tasks), (Upload.user_id, _uploads)):
            summed = sizes(owner.in_(users)).add_columns(owner.label("owner")).group_by(owner)
            for row in self._session.execute(summed):
                used[row.owner] += int(row.bytes)
        return used

    def refuse_full(self, user_id: int) -> None:
        """Raises QuotaExceeded for a user who has no byte left."""
        self._refuse(user_id, 1, self._session.scalar(select(User.quota_bytes).where(User.id == user_id)))

    def refuse_beyond(self, user_id: int, more: int) -> None:
        """Within a transaction that writes. Raises QuotaExceeded where so many more bytes would be too many.

        The user's row is locked: of several uploads that come at once each is counted.
        """
        locked = select(User.quota_bytes).where(User.id == user_id).with_for_update()
        self._refuse(user_id, more, self._session.scalar(locked))

    def _refuse(self, user_id: int, more: int, own: int | None) -> None:
        allowed = self._allowed(own)
        used = self.usage(user_id).used_bytes if allowed else 0
        if used + more > allowed > 0:
            raise QuotaExceeded(used, allowed)

    def _allowed(self, own: int | None) -> int:
        return self._default if own is None else own


def _tasks(*which: ColumnElement[bool]) -> Any:
    summed = select(func.coalesce(func.sum(Task.bytes), 0).label("bytes"), func.count().label("number"))
    return by_index(summed.select_from(Task).where(*which), Task, BYTES_INDEX)


def _uploads(*which: ColumnElement[bool]) -> Any:
    return select(func.coalesce(func.sum(Upload.bytes), 0).label("bytes")).where(*which)
