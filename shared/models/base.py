"""The base of all rows and the column types that they share."""

from datetime import datetime
from typing import Annotated, Any, ClassVar

from sqlalchemy import BigInteger, Integer, MetaData, String
from sqlalchemy.orm import DeclarativeBase, mapped_column

from shared.clock import UtcDateTime, now

BigId = BigInteger().with_variant(Integer, "sqlite")  # only an INTEGER key counts up by itself on SQLite

PrimaryKey = Annotated[int, mapped_column(BigId, primary_key=True, autoincrement=True)]
Moment = Annotated[datetime, mapped_column(UtcDateTime)]
CreatedAt = Annotated[datetime, mapped_column(UtcDateTime, default=now)]
HexId = Annotated[str, mapped_column(String(32))]


class Base(DeclarativeBase):
    """Names and table options that are the same on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    __table_args__: Any = {  # noqa: RUF012 - SQLAlchemy's own declaration is no ClassVar
        "mysql_engine": "InnoDB",
        "mysql_charset": "utf8mb4",
        "mysql_collate": "utf8mb4_bin",  # two texts are equal when they are the same, as on SQLite
        "sqlite_autoincrement": True,  # a number is never given twice
    }
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcDateTime}
