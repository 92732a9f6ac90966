"""A history's pages as ranges of an index, in SQL.

The index is named to the database: without statistics SQLite takes any that begins with the filtered columns (500 ms at
500,000 tasks of a user, 0.1 ms with the right one), and MariaDB thinks that reading all of the user's rows is cheaper
than a range (300 ms, 0.4 ms).
"""

from collections.abc import Iterator, Sequence
from functools import reduce
from operator import add
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, String, func, literal, select, union_all

from backend.services.cursor import Position
from backend.services.generation import COLUMNS
from backend.services.history_query import PROMPT, TIME, Query
from shared.db import by_index
from shared.models import Task
from shared.models.task import history_index

PROMPT_START = 64  # characters that prompts are sorted by; the rest of a long one is not compared

KEYS = (Task.created_at, Task.id)

Conditions = Sequence[ColumnElement[bool]]


class Ranges:
    """One user's tasks under one query."""

    def __init__(self, user_id: int, query: Query) -> None:
        self._query = query
        self._by_time = query.sorted_by == TIME
        self._sorted_by = _expression(query.sorted_by)
        self._common = [Task.user_id == user_id, Task.deleted_at.is_(None), *_containing(query)]

    @property
    def value_type(self) -> type:
        """What the value of a position is."""
        return type(None) if self._by_time else self._sorted_by.type.python_type

    def position(self, row: Row[Any]) -> Position:
        """Where a row of these statements stands."""
        return Position(None if self._by_time else row.sorted_by, row.created_at, row.id)

    def after(self, position: Position | None, count: int) -> Iterator[Select[Any]]:
        """So many rows behind the position: those of the first statement, then, if they are fewer, of the next."""
        if self._by_time:
            window = self._behind(position) if position else self._window()
            yield self._merged([[*part, *window] for part in self._parts()], count)
        elif position is None:
            yield self._rows([*self._filters(), *self._window()], count)
        else:  # an OR of the two would be no range
            value = literal(position.value, self._sorted_by.type)
            same = [self._sorted_by == value, *self._behind(position)]
            yield self._rows([*self._filters(), *same], count, by_time=True)
            yield self._rows([*self._filters(), *self._window(), self._beyond(self._sorted_by, value)], count)

    def nth(self, number: int) -> Select[Any]:
        """The row with this number, from 1, as far as `position` needs it: index entries are counted, no rows read."""
        parts = [[*part, *self._window()] for part in (self._parts() if self._by_time else [self._filters()])]
        one = self._keys(parts, number) if len(parts) > 1 else self._rows(parts[0], number, columns=KEYS)
        return one.offset(number - 1).limit(1)

    def count(self) -> Select[Any]:
        """How many rows there are. Only index entries are read, unless a part of the prompt is asked for."""
        numbers = [self._counted([*part, *self._window()]).scalar_subquery() for part in self._parts()]
        return select(reduce(add, numbers))

    def _counted(self, where: Conditions) -> Select[Any]:
        return self._hinted(select(func.count()).select_from(Task).where(*self._common, *where))

    def _filters(self) -> Conditions:
        return [_among(name, values) for name, values in self._query.allowed.items()]

    def _parts(self) -> list[Conditions]:
        """A range for each value that the index's column may have: within one the index is in the order of time."""
        allowed, index = self._query.allowed, self._query.index
        choices = [{**allowed, index: (value,)} for value in allowed.get(index, ())] or [allowed]
        return [[_among(name, values) for name, values in choice.items()] for choice in choices]

    def _merged(self, parts: Sequence[Conditions], count: int) -> Select[Any]:
        """The first rows of several ranges together, in the order of time, as they are at one moment."""
        if len(parts) == 1:
            return self._rows(parts[0], count)
        first = self._keys(parts, count).subquery()
        rows = select(*COLUMNS).join(first, first.c.id == Task.id)
        return rows.order_by(*self._directed(first.c.created_at, first.c.id))

    def _keys(self, parts: Sequence[Conditions], count: int) -> Select[Any]:
        """The same without the rows."""
        each = [self._rows(part, count, columns=KEYS).subquery() for part in parts]
        found = union_all(*(select(part.c.created_at, part.c.id) for part in each)).subquery()
        return select(found).order_by(*self._directed(found.c.created_at, found.c.id)).limit(count)

    def _rows(
        self, where: Conditions, count: int, by_time: bool = False, columns: Sequence[Any] = COLUMNS
    ) -> Select[Any]:
        """What is the same in all rows must not be sorted by: MariaDB would sort again."""
        order = [Task.created_at, Task.id] if by_time or self._by_time else [self._sorted_by, Task.created_at, Task.id]
        chosen = select(*columns, self._sorted_by.label("sorted_by")).where(*self._common, *where)
        return self._hinted(chosen.order_by(*self._directed(*order)).limit(count))

    def _hinted(self, chosen: Select[Any]) -> Select[Any]:
        return by_index(chosen, Task, history_index(self._query.index))

    def _window(self, position: Position | None = None) -> Conditions:
        """The asked time, without the bound that a position implies: SQLite makes a range of one bound only."""
        start, end, backwards = self._query.start, self._query.end, self._query.descending
        passed = position.created_at if position else None
        bounds = []
        if start and not (passed and not backwards and passed >= start):
            bounds.append(Task.created_at >= start)
        if end and not (passed and backwards and passed < end):
            bounds.append(Task.created_at < end)
        return bounds

    def _behind(self, position: Position) -> Conditions:
        """Beyond the position in time, or there and beyond its id; all conditions together are still one range."""
        moment = literal(position.created_at, Task.created_at.type)
        up_to = Task.created_at <= moment if self._query.descending else Task.created_at >= moment
        later = self._beyond(Task.created_at, moment) | self._beyond(Task.id, literal(position.id))
        return [*self._window(position), up_to, later]

    def _beyond(self, column: Any, value: ColumnElement[Any]) -> ColumnElement[bool]:
        beyond: ColumnElement[bool] = column < value if self._query.descending else column > value
        return beyond

    def _directed(self, *columns: Any) -> list[ColumnElement[Any]]:
        return [column.desc() if self._query.descending else column.asc() for column in columns]


def _expression(name: str) -> Any:
    return func.substr(Task.prompt, 1, PROMPT_START, type_=String()) if name == PROMPT else getattr(Task, name)


def _among(name: str, values: tuple[Any, ...]) -> ColumnElement[bool]:
    column = getattr(Task, name)
    allowed: ColumnElement[bool] = column == literal(values[0], column.type) if len(values) == 1 else column.in_(values)
    return allowed


def _containing(query: Query) -> Iterator[ColumnElement[bool]]:
    """No index helps to find a part of a text: it is looked for in one row after the other until the page is full."""
    if query.prompt is not None:
        yield Task.prompt.icontains(query.prompt, autoescape=True)
