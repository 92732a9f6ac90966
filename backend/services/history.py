"""A user's finished and unfinished tasks, a page at a time, and taking one out of sight."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, Select, select, update
from sqlalchemy.orm import Session

from backend.services import cursor
from backend.services.accounts import ADMIN, account_key
from backend.services.cursor import Position
from backend.services.favorites import Favorites
from backend.services.files import RESULT
from backend.services.generation import Generation, generation
from backend.services.history_query import PROMPT, TIME, Query
from backend.services.history_ranges import Ranges
from backend.services.links import Links
from shared.clock import database_now
from shared.db import writing
from shared.errors import Forbidden, Invalid, NotFound, StillRunning
from shared.lifecycle import ENDED
from shared.models import Task, User


@dataclass(frozen=True)
class HistoryPage:
    """Tasks in the order that was asked for; `next_cursor` leads to the page behind, None where there is none.

    `account` is the name of whom they belong to.
    """

    items: Sequence[Generation]
    next_cursor: str | None
    account: str


class History:
    """The tasks that users have not deleted."""

    def __init__(self, session: Session, links: Links, favorites: Favorites, unveiled: bool = False) -> None:
        """`unveiled` is whether administrators see what others' tasks show."""
        self._session = session
        self._links = links
        self._favorites = favorites
        self._unveiled = unveiled

    def page(self, user_id: int, query: Query) -> HistoryPage:
        """The user's tasks; an administrator may ask for another account's, there usually without prompts and pictures.

        Raises Invalid for a cursor that is not of this very list, or for what an administrator may not look for;
        Forbidden for an account that no administrator asks for, NotFound for an unknown one.
        """
        owner_id, account = self._owner(user_id, query)
        ranges, scope = Ranges(owner_id, query), query.scope(owner_id)
        rows = self._rows(ranges, query, scope)
        shown = rows[: query.limit]
        more = len(rows) > query.limit
        next_cursor = cursor.encode(ranges.position(shown[-1]), scope) if more else None
        found = [generation(row, self._links) for row in (reversed(shown) if query.newest_first else shown)]
        open_to_caller = owner_id == user_id or self._unveiled
        return HistoryPage(found if open_to_caller else [veiled(each) for each in found], next_cursor, account)

    def count(self, user_id: int, query: Query) -> int:
        """How many tasks all pages hold together, whatever their order. Raises as `page`."""
        owner_id, _ = self._owner(user_id, query)
        ranges = Ranges(owner_id, replace(query, sort=TIME))
        found: int = self._session.scalars(ranges.count()).one()
        return found

    def delete(self, user_id: int, name_or_id: str) -> str | None:
        """Put an ended task, named by its id or by one of its results, into the trash, with its favourites.

        Returns the name of its first result. Raises NotFound, StillRunning.
        """
        match = RESULT.fullmatch(name_or_id)
        public_id = match[1] if match else name_or_id
        with writing(self._session):
            row = self._session.execute(_locked(user_id, public_id)).one_or_none()
            names = [result["name"] for result in row.results or ()] if row else []
            if row is None or (match and name_or_id not in names):
                raise NotFound(name_or_id)
            if row.status not in ENDED:
                raise StillRunning(row.status)
            moment = database_now()
            self._session.execute(update(Task).where(Task.id == row.id).values(deleted_at=moment, updated_at=moment))
            self._favorites.forget_task(user_id, row.id)
        return names[0] if names else None

    def _owner(self, user_id: int, query: Query) -> tuple[int, str]:
        """Whose tasks are asked for, and their name. What is veiled is not to be searched or sorted by either."""
        caller = self._session.execute(select(User.role, User.account).where(User.id == user_id)).one()
        if query.user is None:
            return user_id, caller.account
        if caller.role != ADMIN:
            raise Forbidden
        named = select(User.id, User.account).where(User.account_key == account_key(query.user))
        owner = self._session.execute(named).one_or_none()
        if owner is None:
            raise NotFound(query.user)
        hidden = owner.id != user_id and not self._unveiled
        if hidden and query.prompt is not None:
            raise Invalid.of("prompt", "exclusive", other="user")
        if hidden and query.sort == PROMPT:
            raise Invalid.of("sort", "exclusive", other="user")
        return owner.id, owner.account

    def _rows(self, ranges: Ranges, query: Query, scope: str) -> list[Row[Any]]:
        """The page's rows, and one more where there is one."""
        if query.cursor is not None:
            return self._behind(ranges, query, cursor.decode(query.cursor, scope, ranges.value_type))
        skipped = ((query.page or 1) - 1) * query.limit
        if not skipped:
            return self._behind(ranges, query, None)
        last = self._session.execute(ranges.nth(skipped)).one_or_none()
        return self._behind(ranges, query, ranges.position(last)) if last else []

    def _behind(self, ranges: Ranges, query: Query, position: Position | None) -> list[Row[Any]]:
        rows: list[Row[Any]] = []
        for statement in ranges.after(position, query.limit + 1):
            rows += self._session.execute(statement).all()
            if len(rows) > query.limit:
                break
        return rows


def _locked(user_id: int, public_id: str) -> Select[Any]:
    mine = (Task.public_id == public_id, Task.user_id == user_id, Task.deleted_at.is_(None))
    return select(Task.id, Task.status, Task.results).where(*mine).with_for_update()


def veiled(generation: Generation) -> Generation:
    """What an administrator sees of somebody else's task."""
    parameters = {**generation.parameters, "negative_prompt": ""}
    return replace(generation, prompt="", parameters=parameters, images=(), results=())
