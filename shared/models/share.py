"""What each user has used of a queue so far, and how far the queue itself has come: both in virtual seconds."""

from sqlalchemy import Double, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base


class Share(Base):
    """A user's part of one queue and priority: the next task starts at `virtual_finish`, or at the queue's own time."""

    __tablename__ = "shares"
    __table_args__ = (
        Index("ix_shares_virtual_finish", "queue", "priority", "virtual_finish"),
        {**Base.__table_args__, "sqlite_autoincrement": False},
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    queue: Mapped[str] = mapped_column(String(32), primary_key=True)
    priority: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    virtual_finish: Mapped[float] = mapped_column(Double)


class QueueClock(Base):
    """The virtual time of one queue and priority: the start of the fairest task that was claimed last."""

    __tablename__ = "queue_clocks"
    __table_args__ = {**Base.__table_args__, "sqlite_autoincrement": False}  # noqa: RUF012 - as in Base

    queue: Mapped[str] = mapped_column(String(32), primary_key=True)
    priority: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    virtual_time: Mapped[float] = mapped_column(Double)
