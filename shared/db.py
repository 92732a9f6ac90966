"""Connections: the engine's options and the transaction habits of each database.

SQLite (WAL) and MySQL/MariaDB behave alike behind it: autocommit is off, reads see committed rows, a transaction
that will write says so at its start.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Insert, Select, create_engine, event, insert, make_url
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

WRITES = {"sqlite_begin": "IMMEDIATE"}
UNLESS_THERE = {"mysql": "IGNORE", "sqlite": "OR IGNORE"}
PATIENCE_SECONDS = 30  # no statement takes long, and a server behind a cut cable never says that it is gone
LOCK_SECONDS = 5  # for a row that somebody has locked: several beats of a worker have to fit into a lease
SILENCE_SECONDS = 60  # after which the server ends a connection, and with it the locks of whoever has been frozen
SESSION = f"SET time_zone = '+00:00', innodb_lock_wait_timeout = {LOCK_SECONDS}, wait_timeout = {SILENCE_SECONDS}"


def engine_options(url: str, connections: int = 5, patience: int | None = PATIENCE_SECONDS) -> dict[str, Any]:
    """Keyword arguments of `create_engine` for this url and so many threads that use it.

    A server that has not answered after `patience` seconds is away; with None it is waited for.
    """
    common = {"hide_parameters": True, "pool_size": connections}  # errors are logged; what users wrote must not be
    if make_url(url).get_backend_name() == "sqlite":
        return {**common, "connect_args": {"timeout": 15, "check_same_thread": False}}
    patient = {"read_timeout": patience, "write_timeout": patience} if patience is not None else {}
    return {
        **common,
        "isolation_level": "READ COMMITTED",
        "pool_pre_ping": True,
        "pool_recycle": 1800,
        "connect_args": {
            "connect_timeout": 5,
            "init_command": SESSION,
            "charset": "utf8mb4",
            **patient,
        },
    }


def connect(url: str, patience: int | None = PATIENCE_SECONDS) -> Engine:
    """An engine of this url that keeps the habits above."""
    return configure(create_engine(url, **engine_options(url, patience=patience)))


def connect_for_reads(url: str, connections: int) -> Engine:
    """An engine for single reads: without transactions, and without asking first whether the server is still there."""
    options = {**engine_options(url, connections), "isolation_level": "AUTOCOMMIT", "pool_pre_ping": False}
    return create_engine(url, **options, pool_reset_on_return=None, skip_autocommit_rollback=True)


def configure(engine: Engine) -> Engine:
    """Teach an engine that somebody else made (Flask-SQLAlchemy) the same habits."""
    if engine.dialect.name == "sqlite":
        engine.dialect.statement_compiler = _HintingCompiler
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


@contextmanager
def writing(session: Session) -> Iterator[None]:
    """A transaction that will write: commits at its end, rolls back on any error.

    A deferred SQLite transaction that turns from reading to writing fails at once when another one wrote in between,
    so this one takes the write lock at its start. What the session had begun before is ended.
    """
    session.rollback()
    session.connection(execution_options=WRITES)
    try:
        yield
        session.commit()
    except BaseException:
        session.rollback()
        raise


@contextmanager
def write(engine: Engine) -> Iterator[Connection]:
    """The same for a plain connection."""
    with engine.connect().execution_options(**WRITES) as connection, connection.begin():
        yield connection


def no_answer(error: DBAPIError) -> str:
    """What a command says that cannot go on for this."""
    return f"the database does not answer, or was never migrated: {type(error.orig).__name__}"


def insert_unless_there(table: Any) -> Insert:
    """An insert that does nothing where there is a row of the same key."""
    statement = insert(table)
    for dialect, word in UNLESS_THERE.items():
        statement = statement.prefix_with(word, dialect=dialect)
    return statement


def by_index(chosen: Any, table: Any, index: str) -> Select[Any]:
    """The query, which has to read the table by this index, on both databases."""
    named: Select[Any] = chosen.with_hint(table, f"FORCE INDEX ({index})", "mysql")
    return named.with_hint(table, f"INDEXED BY {index}", "sqlite")


class _HintingCompiler(SQLiteCompiler):
    """Writes the hints of `Select.with_hint`, as SQLAlchemy does for MySQL: here they read INDEXED BY."""

    def get_from_hint_text(self, table: Any, text: str | None) -> str | None:
        return text


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # the driver's own idea of transactions is off: _begin_sqlite begins them
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    cursor = connection.connection.cursor()  # past SQLAlchemy's own way, which would take longer than most queries do
    try:
        cursor.execute(f"BEGIN {mode}")
    except sqlite3.OperationalError as error:  # somebody has held the lock for too long; the driver's own, nobody knows
        raise OperationalError("BEGIN", None, error) from error
    finally:
        cursor.close()
