"""Reads that are asked so often that executing them SQLAlchemy's way would be most of their cost.

A statement is written with SQLAlchemy's expressions and compiled once; then the driver's own cursor runs it, and the
columns' types read what comes. Each read is a transaction of its own, on a connection that it holds only meanwhile.
"""

from collections import namedtuple
from collections.abc import Sequence
from typing import Any, Self

from sqlalchemy import Dialect, Engine, Executable, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection

from shared import db
from shared.idle import Idle


class Away(Exception):
    """The database does not answer, or has closed the connection, as it does when it starts anew."""


class Prepared:
    """A statement in one database's language, with named parameters of plain types and no lists."""

    def __init__(self, statement: Select[Any], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self.text = str(compiled)
        self._fixed = dict(compiled.params)
        self._order = compiled.positiontup
        columns = list(statement.selected_columns)
        self.named = namedtuple("Row", [column.key for column in columns])  # type: ignore[misc]
        readers = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self._readers = [(place, reader) for place, reader in enumerate(readers) if reader]

    def parameters(self, values: dict[str, Any]) -> Any:
        """As the text wants them: in its order, or by name; what is not among the values stands in the statement."""
        if self._order is None:
            return {**self._fixed, **values}
        return [values[name] if name in values else self._fixed[name] for name in self._order]

    def row(self, found: Sequence[Any]) -> Any:
        """A named tuple of what the driver returned."""
        row = list(found)
        for place, reader in self._readers:
            row[place] = reader(row[place])
        return self.named(*row)


class Reads:
    """Runs statements on connections of its own, for all threads of a process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._away = (engine.dialect.loaded_dbapi.OperationalError, engine.dialect.loaded_dbapi.InterfaceError)
        self._prepared: dict[Select[Any], Prepared] = {}
        self._idle = Idle(engine.raw_connection)

    @classmethod
    def of(cls, url: str, connections: int) -> Self:
        """Reads of this database from so many threads."""
        return cls(db.connect_for_reads(url, connections))

    @property
    def database(self) -> str:
        """What is asked: `sqlite` or `mysql`."""
        return self._engine.dialect.name

    def one(self, statement: Select[Any], **values: Any) -> Any | None:
        """The only row, or None. The statement is one of a few that live as long as the process."""
        rows = self.some(statement, **values)
        return rows[0] if rows else None

    def some(self, statement: Select[Any], **values: Any) -> Sequence[Any]:
        """All rows of such a statement."""
        prepared = self._prepared.get(statement)
        if prepared is None:
            prepared = self._prepared[statement] = Prepared(statement, self._engine.dialect)
        try:
            return [prepared.row(found) for found in self._run(prepared, values)]
        except Away:  # the other way comes back from it, or says it with SQLAlchemy's error
            return [prepared.named(*row) for row in self.all(statement, **values)]

    def all(self, statement: Executable, **values: Any) -> Sequence[Any]:
        """The rows of any statement; a connection that was lost meanwhile is replaced once. Raises DBAPIError."""
        try:
            return self._execute(statement, values)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            return self._execute(statement, values)

    def scalar(self, statement: Executable) -> Any:
        """The first column of the first row, or None."""
        return next((row[0] for row in self.all(statement)), None)

    def close(self) -> None:
        """Give the connections back to the server."""
        while (connection := self._idle.spare()) is not None:
            connection.close()
        self._engine.dispose()

    def _run(self, prepared: Prepared, values: dict[str, Any]) -> Sequence[Sequence[Any]]:
        connection = self._taken()
        try:
            cursor = connection.cursor()
            cursor.execute(prepared.text, prepared.parameters(values))
            found: Sequence[Sequence[Any]] = cursor.fetchall()
            cursor.close()
        except BaseException as error:
            connection.invalidate()
            connection.close()
            if isinstance(error, self._away):
                raise Away from error
            raise
        self._idle.keep(connection)
        return found

    def _taken(self) -> PoolProxiedConnection:
        try:
            return self._idle.take()
        except self._away as error:
            raise Away from error

    def _execute(self, statement: Executable, values: dict[str, Any]) -> Sequence[Any]:
        if (spare := self._idle.spare()) is not None:
            spare.close()  # so that there are never more connections than threads
        with self._engine.connect() as connection:
            return connection.execute(statement, values).all()
