"""A generation task: the queue, the lease and the history in one row."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, CreatedAt, HexId, PrimaryKey

LongText = Text().with_variant(mysql.MEDIUMTEXT(), "mysql")


class Task(Base):
    """One task. (`id`, `fence`) names one claim of it; `results` is there exactly when it is completed."""

    __tablename__ = "tasks"
    __table_args__ = (
        Index("ix_tasks_queue", "status", "queue", "id"),
        Index("ix_tasks_lease", "status", "lease_until"),
        Base.__table_args__,
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    kind: Mapped[str] = mapped_column(String(8))
    status: Mapped[str] = mapped_column(String(16))
    queue: Mapped[str] = mapped_column(String(32))
    model: Mapped[str] = mapped_column(String(128))
    prompt: Mapped[str] = mapped_column(LongText)
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    batch_key: Mapped[str] = mapped_column(String(64))
    fence: Mapped[int] = mapped_column(default=0)
    attempt: Mapped[int] = mapped_column(default=0)
    worker_id: Mapped[HexId | None] = mapped_column(index=True)
    lease_until: Mapped[datetime | None]
    error_code: Mapped[str | None] = mapped_column(String(64))
    results: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[CreatedAt]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
