"""A worker process that lives, or did a moment ago."""

from typing import Any

from sqlalchemy import JSON, BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, HexId, Moment


class Worker(Base):
    """One process that holds a device. `node` is its parent, which replaces it when it dies.

    What it has told of itself at its last beat (`tallies` for Prometheus alone), and whether an admin wants it to take
    no more tasks.
    """

    __tablename__ = "workers"

    id: Mapped[HexId] = mapped_column(primary_key=True)
    node: Mapped[HexId] = mapped_column(index=True)
    host: Mapped[str] = mapped_column(String(255))
    pid: Mapped[int]
    started_at: Mapped[Moment]
    beat_at: Mapped[Moment] = mapped_column(index=True)
    state: Mapped[str] = mapped_column(String(16))
    models: Mapped[list[str]] = mapped_column(JSON)
    ended: Mapped[int]
    memory: Mapped[int] = mapped_column(BigInteger)
    tallies: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), deferred=True)
    drain_requested: Mapped[bool] = mapped_column(default=False)
