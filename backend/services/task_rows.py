"""The rows of tasks that are polled: what changes is read each time, the rest once.

Whatever moves a task stamps `updated_at`, so status, fence and that moment name one version of a row. Lives as long as
the process.
"""

from collections import namedtuple
from collections.abc import Sequence
from datetime import timedelta
from operator import attrgetter
from typing import Any

from sqlalchemy import BigInteger, BindParameter, ColumnElement, Select, String, and_, bindparam, case, select

from backend.reads import Reads
from backend.services.generation import COLUMNS, TASKS
from backend.services.places import Places
from backend.services.tokens import COUNTS, KNOWN, USERS, TokenClaims, counting
from shared.clock import now
from shared.errors import NotFound
from shared.lifecycle import Status
from shared.models import Task
from shared.queue_order import place

KEPT = 1024
SETTLED = timedelta(seconds=2)  # SQLite's clock has milliseconds: two changes within one would look the same


PLACE = place(TASKS)  # in the same query as the task, which is asked for more often than anything else
STANDING = (  # what a revision is made of
    *(TASKS.public_id, TASKS.status, TASKS.fence, TASKS.updated_at),
    *(TASKS.queue, TASKS.model, TASKS.kind, TASKS.units, TASKS.started_at),
)
VERSION = attrgetter("status", "fence", "updated_at")
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
        self._standing = mine.with_only_columns(*STANDING, mine.selected_columns.queue_position)
        self.now = self.whole.with_only_columns(*version)
        self.claimed_now = (
            select(*version, USERS.token_version).select_from(KNOWN.outerjoin(Task, owned)).where(*COUNTS)
        )
        self._many_now: dict[int, Select[Any]] = {}

    def many_now(self, count: int) -> Select[Any]:
        """How so many tasks stand: `id0` and so on."""
        if count not in self._many_now:
            names = [bindparam(f"id{number}", type_=String) for number in range(count)]
            self._many_now[count] = self._standing.where(TASKS.public_id.in_(names))
        return self._many_now[count]


COUNTED = Asked(PLACE)
Row = namedtuple("Row", COUNTED.whole.selected_columns.keys())  # type: ignore[misc]
LOOKED_UP = Asked(TASKS.virtual_start)  # which Places knows the place of


class TaskRows:
    """Named tuples of COLUMNS and `queue_position`. Somebody else's task is NotFound, as an unknown one."""

    def __init__(self, reads: Reads, places: Places) -> None:
        self._reads = reads
        self._places = places
        self._kept: dict[tuple[int, str], Any] = {}

    def find(self, user_id: int, public_id: str) -> Any:
        """The task's row."""
        kept, ids = self._kept.get((user_id, public_id)), {"user_id": user_id, "public_id": public_id}
        asked = self._asked(kept)
        return self._row(asked, kept, self._reads.one(asked.now, **ids), ids)

    def find_claimed(self, claims: TokenClaims, public_id: str) -> Any:
        """The same, and in the same statement whether the token still counts. Raises TokenRevoked."""
        kept, ids = self._kept.get((claims.user_id, public_id)), {"user_id": claims.user_id, "public_id": public_id}
        asked = self._asked(kept)
        state = counting(self._reads.one(asked.claimed_now, jti=claims.jti, **ids), claims)
        return self._row(asked, kept, state if state.status else None, ids)

    def find_all(self, user_id: int, public_ids: Sequence[str]) -> list[Any]:
        """The rows of those of these tasks that are the user's."""
        asked = self._asked()
        found = self._reads.all(asked.many, user_id=user_id, public_ids=list(public_ids))
        rows: list[Any] = [Row(*row) for row in found]
        return [self._placed(asked, row, row.queue_position) for row in rows]

    def standings(self, user_id: int, public_ids: Sequence[str]) -> list[Any]:
        """The same as named tuples of STANDING and `queue_position`, which takes a fraction of the time."""
        asked = self._asked()
        names = {f"id{number}": name for number, name in enumerate(public_ids)}
        rows = self._reads.some(asked.many_now(len(names)), user_id=user_id, **names)
        return [self._placed(asked, row, row.queue_position) for row in rows]

    def _asked(self, kept: Any | None = None) -> Asked:
        """Who counts pays for it even where nothing waits, so what has not waited lately is not counted for."""
        return LOOKED_UP if self._places.long or (kept and kept.status != Status.QUEUED) else COUNTED

    def _row(self, asked: Asked, kept: Any | None, state: Any | None, ids: dict[str, Any]) -> Any:
        if state is None:
            raise NotFound(ids["public_id"])
        if kept and VERSION(kept) == VERSION(state):
            return self._placed(asked, kept, state.queue_position)
        row = self._read(asked, ids)
        return self._placed(asked, row, row.queue_position)

    def _placed(self, asked: Asked, row: Any, position: Any) -> Any:
        """The row with its place, given what the statement has said of that."""
        if position is not None:
            settle = self._places.find if asked is LOOKED_UP else self._places.count
            position = settle(row.queue, position)
        return row if row.queue_position == position else row._replace(queue_position=position)

    def _read(self, asked: Asked, ids: dict[str, Any]) -> Any:
        row = self._reads.one(asked.whole, **ids)
        if row is None:
            raise NotFound(ids["public_id"])
        if now() - row.updated_at > SETTLED:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[ids["user_id"], ids["public_id"]] = row
        return row
