"""A generation task: the queue, the lease and the history in one row."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Double, ForeignKey, Index, String, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column

from shared.clock import UtcDateTime, database_now
from shared.models.base import Base, CreatedAt, HexId, PrimaryKey

LongText = Text().with_variant(mysql.MEDIUMTEXT(), "mysql")

# What the history can be filtered and sorted by: each has an index in which one user's tasks are sorted by it and by
# time, so that a page is a range of the index wherever it lies.
HISTORY_COLUMNS = (
    "kind",
    "status",
    "model",
    "sampling_method",
    "steps",
    "seed",
    "width",
    "height",
    "has_result",
    "favorite",
)

QUEUE_INDEX = "ix_tasks_queue"  # the queue's order, and whose turn it is
BYTES_INDEX = "ix_tasks_bytes"  # what a user has, without reading a row
PRIORITY_SPAN = 1e9  # virtual seconds: those of priority 1 lie between this and twice as many


def history_index(column: str) -> str:
    """The name of the index that sorts by this column; `created_at` has one too."""
    return f"ix_tasks_by_{column}"


class Task(Base):
    """One task. (`id`, `fence`) names one claim of it; `results` is there exactly when it is completed.

    What the history asks for stands beside `parameters` in columns of its own; `favorite` says whether a favourite of
    its user refers to it. `images` are its references, each with the storage key of its file. `virtual_start` is
    its place in the queue, within what is its `priority`'s; there it has stood `waiting_since`. It was charged `cost`
    seconds for `units` of work, and was expected to end `expected_seconds` after its submit. `request_id` names the
    request that queued it, for the log. `bytes` are those of all its files. One that was `deleted_at` a moment is in
    its user's trash.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        Index(QUEUE_INDEX, "status", "queue", "virtual_start", "id", "user_id"),
        Index("ix_tasks_lease", "status", "lease_until"),
        Index("ix_tasks_updated_at", "updated_at"),
        Index("ix_tasks_user_updated_at", "user_id", "updated_at"),
        Index("ix_tasks_retention", "favorite", "deleted_at", "updated_at"),
        Index(BYTES_INDEX, "user_id", "deleted_at", "bytes"),
        Index("uq_tasks_idempotency_key", "user_id", "idempotency_key", unique=True),
        Index(history_index("created_at"), "user_id", "deleted_at", "created_at"),
        *(Index(history_index(c), "user_id", "deleted_at", c, "created_at") for c in HISTORY_COLUMNS),
        Base.__table_args__,
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str] = mapped_column(String(8))
    status: Mapped[str] = mapped_column(String(16))
    queue: Mapped[str] = mapped_column(String(32))
    model: Mapped[str] = mapped_column(String(128))
    prompt: Mapped[str] = mapped_column(LongText)
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    sampling_method: Mapped[str] = mapped_column(String(64))
    steps: Mapped[int]
    seed: Mapped[int] = mapped_column(BigInteger)
    width: Mapped[int]
    height: Mapped[int]
    images: Mapped[list[dict[str, str]] | None] = mapped_column(JSON(none_as_null=True))
    batch_key: Mapped[str] = mapped_column(String(64))
    priority: Mapped[int] = mapped_column(default=1)
    virtual_start: Mapped[float] = mapped_column(Double, default=PRIORITY_SPAN)
    units: Mapped[float] = mapped_column(Double, default=0)
    cost: Mapped[float] = mapped_column(Double, default=0)
    waiting_since: Mapped[datetime] = mapped_column(UtcDateTime, default=database_now())
    expected_seconds: Mapped[float | None] = mapped_column(Double)
    fence: Mapped[int] = mapped_column(default=0)
    attempt: Mapped[int] = mapped_column(default=0)
    worker_id: Mapped[HexId | None] = mapped_column(index=True)
    lease_until: Mapped[datetime | None]
    error_code: Mapped[str | None] = mapped_column(String(64))
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    results: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    has_result: Mapped[bool] = mapped_column(default=False)
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    favorite: Mapped[bool] = mapped_column(default=False)
    idempotency_key: Mapped[str | None] = mapped_column(String(64))
    request_hash: Mapped[str | None] = mapped_column(String(64))
    request_id: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[CreatedAt]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=database_now())
    deleted_at: Mapped[datetime | None]
