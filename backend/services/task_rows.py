"""The rows of tasks that are polled: what changes is read each time, the rest once.

Whatever moves a task stamps `updated_at`, so status, fence and that moment name one version of a row. Lives as long as
the process.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, BindParameter, ColumnElement, Select, String, and_, bindparam, case, select

from backend.reads import Reads
from backend.services.generation import COLUMNS, TASKS
from backend.services.tokens import COUNTS, USERS, TokenClaims, counting
from shared.clock import now
from shared.errors import NotFound
from shared.lifecycle import Status
from shared.models import Task, User
from shared.queue_order import place

KEPT = 1024
SETTLED = timedelta(seconds=2)  # SQLite's clock has milliseconds: two changes within one would look the same


def _queue_position() -> ColumnElement[int | None]:
    """1 for the next one; in the same query as the task, which is asked for more often than anything else."""
    return case((TASKS.status == Status.QUEUED, place(TASKS))).label("queue_position")


def own(user_id: int | BindParameter[int]) -> Select[Any]:
    """A user's tasks, with all that is told of them."""
    return select(*COLUMNS, _queue_position()).where(TASKS.user_id == user_id, TASKS.deleted_at.is_(None))


NAMED = TASKS.public_id == bindparam("public_id", type_=String)
VERSION = (TASKS.status, TASKS.fence, TASKS.updated_at, _queue_position())
WHOLE = own(bindparam("user_id", type_=BigInteger)).where(NAMED)
NOW = WHOLE.with_only_columns(*VERSION)
CLAIMED_NOW = (
    select(*VERSION, USERS.token_version)
    .select_from(User.__table__.outerjoin(Task, and_(TASKS.user_id == USERS.id, TASKS.deleted_at.is_(None), NAMED)))
    .where(*COUNTS)
)


class TaskRows:
    """Named tuples of COLUMNS and `queue_position`. Somebody else's task is NotFound, as an unknown one."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self._kept: dict[tuple[Any, ...], Any] = {}

    def find(self, user_id: int, public_id: str) -> Any:
        """The task's row."""
        return self._row(user_id, public_id, self._reads.one(NOW, user_id=user_id, public_id=public_id))

    def find_claimed(self, claims: TokenClaims, public_id: str) -> Any:
        """The same, and in the same statement whether the token still counts. Raises TokenRevoked."""
        ids = {"user_id": claims.user_id, "public_id": public_id}
        state = counting(self._reads.one(CLAIMED_NOW, jti=claims.jti, **ids), claims)
        return self._row(claims.user_id, public_id, state if state.status else None)

    def _row(self, user_id: int, public_id: str, state: Any | None) -> Any:
        if state is None:
            raise NotFound(public_id)
        kept = self._kept.get((user_id, public_id, state.status, state.fence, state.updated_at))
        return kept._replace(queue_position=state.queue_position) if kept else self._read(user_id, public_id)

    def _read(self, user_id: int, public_id: str) -> Any:
        row = self._reads.one(WHOLE, user_id=user_id, public_id=public_id)
        if row is None:
            raise NotFound(public_id)
        if now() - row.updated_at > SETTLED:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[user_id, public_id, row.status, row.fence, row.updated_at] = row
        return row
