"""The rows of tasks that are polled: what changes is read each time, the rest once.

Whatever moves a task stamps `updated_at`, so status, fence and that moment name one version of a row. Lives as long as
the process.
"""

from collections import namedtuple
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, BindParameter, ColumnElement, Select, String, and_, bindparam, case, select

from backend.reads import Reads
from backend.services.generation import COLUMNS, TASKS
from backend.services.places import Places
from backend.services.tokens import COUNTS, USERS, TokenClaims, counting
from shared.clock import now
from shared.errors import NotFound
from shared.lifecycle import Status
from shared.models import Task, User
from shared.queue_order import place

KEPT = 1024
SETTLED = timedelta(seconds=2)  # SQLite's clock has milliseconds: two changes within one would look the same


PLACE = place(TASKS)  # in the same query as the task, which is asked for more often than anything else
STANDING = (  # what a revision is made of
    *(TASKS.public_id, TASKS.status, TASKS.fence, TASKS.updated_at),
    *(TASKS.queue, TASKS.model, TASKS.kind, TASKS.units, TASKS.started_at),
)
NAMED = TASKS.public_id == bindparam("public_id", type_=String)


def own(user_id: int | BindParameter[int], position: ColumnElement[Any] = PLACE) -> Select[Any]:
    """A user's tasks, with all that is told of them; where one waits, with its place."""
    waits = case((TASKS.status == Status.QUEUED, position)).label("queue_position")
    return select(*COLUMNS, waits).where(TASKS.user_id == user_id, TASKS.deleted_at.is_(None))


class Asked:
    """The statements that polls are made of, written once; `position` stands for the queue_position."""

    def __init__(self, position: ColumnElement[Any]) -> None:
        mine = own(bindparam("user_id", type_=BigInteger), position)
        version = (TASKS.status, TASKS.fence, TASKS.updated_at, mine.selected_columns.queue_position)
        owned = and_(TASKS.user_id == USERS.id, TASKS.deleted_at.is_(None), NAMED)
        self.whole = mine.where(NAMED)
        self.many = mine.where(TASKS.public_id.in_(bindparam("public_ids", type_=String, expanding=True)))
        self.many_now = self.many.with_only_columns(*STANDING, mine.selected_columns.queue_position)
        self.now = self.whole.with_only_columns(*version)
        self.claimed_now = (
            select(*version, USERS.token_version).select_from(User.__table__.outerjoin(Task, owned)).where(*COUNTS)
        )


COUNTED = Asked(PLACE)
Row = namedtuple("Row", COUNTED.whole.selected_columns.keys())  # type: ignore[misc]
Standing = namedtuple("Standing", COUNTED.many_now.selected_columns.keys())  # type: ignore[misc]
LOOKED_UP = Asked(TASKS.virtual_start)  # which Places knows the place of


class TaskRows:
    """Named tuples of COLUMNS and `queue_position`. Somebody else's task is NotFound, as an unknown one."""

    def __init__(self, reads: Reads, places: Places) -> None:
        self._reads = reads
        self._places = places
        self._kept: dict[tuple[Any, ...], Any] = {}

    def find(self, user_id: int, public_id: str) -> Any:
        """The task's row."""
        asked = self._asked
        return self._row(asked, user_id, public_id, self._reads.one(asked.now, user_id=user_id, public_id=public_id))

    def find_claimed(self, claims: TokenClaims, public_id: str) -> Any:
        """The same, and in the same statement whether the token still counts. Raises TokenRevoked."""
        asked, ids = self._asked, {"user_id": claims.user_id, "public_id": public_id}
        state = counting(self._reads.one(asked.claimed_now, jti=claims.jti, **ids), claims)
        return self._row(asked, claims.user_id, public_id, state if state.status else None)

    def find_all(self, user_id: int, public_ids: Sequence[str]) -> list[Any]:
        """The rows of those of these tasks that are the user's."""
        asked = self._asked
        found = self._reads.all(asked.many, user_id=user_id, public_ids=list(public_ids))
        rows: list[Any] = [Row(*row) for row in found]
        return [self._placed(asked, row, row.queue_position) for row in rows]

    def standings(self, user_id: int, public_ids: Sequence[str]) -> list[Any]:
        """The same as named tuples of STANDING and `queue_position`, in a third of the time."""
        asked = self._asked
        found = self._reads.all(asked.many_now, user_id=user_id, public_ids=list(public_ids))
        rows: list[Any] = [Standing(*row) for row in found]
        return [self._placed(asked, row, row.queue_position) for row in rows]

    @property
    def _asked(self) -> Asked:
        return LOOKED_UP if self._places.long else COUNTED

    def _row(self, asked: Asked, user_id: int, public_id: str, state: Any | None) -> Any:
        if state is None:
            raise NotFound(public_id)
        kept = self._kept.get((user_id, public_id, state.status, state.fence, state.updated_at))
        if kept:
            return self._placed(asked, kept, state.queue_position)
        row = self._read(asked, user_id, public_id)
        return self._placed(asked, row, row.queue_position)

    def _placed(self, asked: Asked, row: Any, position: Any) -> Any:
        """The row with its place, given what the statement has said of that."""
        if position is not None:
            settle = self._places.find if asked is LOOKED_UP else self._places.count
            position = settle(row.queue, position)
        return row if row.queue_position == position else row._replace(queue_position=position)

    def _read(self, asked: Asked, user_id: int, public_id: str) -> Any:
        row = self._reads.one(asked.whole, user_id=user_id, public_id=public_id)
        if row is None:
            raise NotFound(public_id)
        if now() - row.updated_at > SETTLED:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[user_id, public_id, row.status, row.fence, row.updated_at] = row
        return row
