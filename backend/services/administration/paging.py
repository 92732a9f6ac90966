"""Lists that are paged through by rows: the newest first, from one row's number to the next smaller one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

from backend.services import cursor
from backend.services.cursor import Position


@dataclass(frozen=True)
class RowPage:
    """Some rows; `next_cursor` leads to older ones, None where there are none."""

    items: Sequence[Any]
    next_cursor: str | None


def newest_first(
    session: Session, chosen: Select[Any], key: InstrumentedAttribute[int], limit: int, after: str | None
) -> RowPage:
    """So many rows below the cursor. They have `id`, which is the key, and `created_at`. Raises Invalid."""
    scope = key.class_.__tablename__
    if after is not None:
        chosen = chosen.where(key < cursor.decode(after, scope, type(None)).id)
    rows = session.execute(chosen.order_by(key.desc()).limit(limit + 1)).all()
    shown = rows[:limit]
    last = Position(None, shown[-1].created_at, shown[-1].id) if len(rows) > limit else None
    return RowPage(shown, cursor.encode(last, scope) if last else None)
