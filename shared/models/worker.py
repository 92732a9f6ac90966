"""A worker process that lives, or did a moment ago."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, HexId, Moment


class Worker(Base):
    """One process that holds a device. `node` is its parent, which replaces it when it dies."""

    __tablename__ = "workers"

    id: Mapped[HexId] = mapped_column(primary_key=True)
    node: Mapped[HexId] = mapped_column(index=True)
    host: Mapped[str] = mapped_column(String(255))
    started_at: Mapped[Moment]
    beat_at: Mapped[Moment] = mapped_column(index=True)
