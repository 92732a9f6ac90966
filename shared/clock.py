"""Time: UTC and aware, in Python and in SQL.

Leases are compared on the database's own clock only, so that no worker's clock can break them.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, literal
from sqlalchemy.dialects import mysql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator


def now() -> datetime:
    """This process's time, aware, UTC."""
    return datetime.now(UTC)


def isoformat(moment: datetime) -> str:
    """As the contracts write it: `2025-11-04T17:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime of microseconds, kept without its zone."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(mysql.DATETIME(fsp=6) if dialect.name == "mysql" else DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC).replace(tzinfo=None) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value else None


class database_now(FunctionElement[datetime]):
    """The database's time, `offset` seconds from now, as a value of UtcDateTime.

    The offset is a parameter of the statement, which can therefore be written once and executed with any.
    """

    type = UtcDateTime()
    inherit_cache = True

    def __init__(self, offset: float = 0) -> None:
        super().__init__(*([literal(round(offset * 1e6), BigInteger)] if offset else []))


@compiles(database_now, "mysql")
def _mysql(element: database_now, compiler: SQLCompiler, **options: Any) -> str:
    microseconds = compiler.process(element.clauses, **options)
    return f"TIMESTAMPADD(MICROSECOND, {microseconds}, UTC_TIMESTAMP(6))" if microseconds else "UTC_TIMESTAMP(6)"


@compiles(database_now, "sqlite")
def _sqlite(element: database_now, compiler: SQLCompiler, **options: Any) -> str:
    # the text form of SQLAlchemy's DateTime, so that the two compare; SQLite's clock has milliseconds
    microseconds = compiler.process(element.clauses, **options)
    moment = f"'now', printf('%+.3f seconds', {microseconds} / 1e6)" if microseconds else "'now'"
    return f"(strftime('%Y-%m-%d %H:%M:%f', {moment}) || '000')"
