"""How many bytes a user has, and may have."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

BATCH = 500
TASKS = sa.table(
    "tasks",
    sa.column("id", sa.BigInteger),
    sa.column("has_result", sa.Boolean),
    sa.column("results", sa.JSON),
    sa.column("bytes", sa.BigInteger),
)


def upgrade() -> None:
    op.add_column("users", sa.Column("quota_bytes", sa.BigInteger()))
    op.add_column("users", sa.Column("avatar_bytes", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("tasks", sa.Column("bytes", sa.BigInteger(), nullable=False, server_default="0"))
    count_results()
    op.create_index("ix_tasks_bytes", "tasks", ["user_id", "deleted_at", "bytes"])
    op.create_index("ix_uploads_bytes", "uploads", ["user_id", "bytes"])
    op.drop_index("ix_uploads_user_id", "uploads")


def count_results() -> None:
    counted = sa.update(TASKS).where(TASKS.c.id == sa.bindparam("task")).values(bytes=sa.bindparam("size"))
    for rows in _batches(op.get_bind()):
        op.get_bind().execute(counted, [{"task": row.id, "size": _size(row.results)} for row in rows])


def _batches(connection: sa.Connection) -> Iterator[Any]:
    last = 0
    chosen = sa.select(TASKS.c.id, TASKS.c.results).where(TASKS.c.has_result.is_(True)).order_by(TASKS.c.id)
    while rows := connection.execute(chosen.where(TASKS.c.id > last).limit(BATCH)).all():
        yield rows
        last = rows[-1].id


def _size(results: list[dict[str, Any]] | None) -> int:
    return sum(each["bytes"] + each.get("thumbnail", {}).get("bytes", 0) for each in results or ())


def downgrade() -> None:
    op.create_index("ix_uploads_user_id", "uploads", ["user_id"])
    op.drop_index("ix_uploads_bytes", "uploads")
    op.drop_index("ix_tasks_bytes", "tasks")
    op.drop_column("tasks", "bytes")
    op.drop_column("users", "avatar_bytes")
    op.drop_column("users", "quota_bytes")
