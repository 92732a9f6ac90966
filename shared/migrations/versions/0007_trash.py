"""What users have deleted can be had back for a while; what they had deleted before is in the trash now."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0007"
down_revision = "0006"

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Moment = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")
OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}


def upgrade() -> None:
    create_items()
    create_favorites()
    op.create_index("ix_tasks_retention", "tasks", ["favorite", "deleted_at", "updated_at"])
    op.execute(
        "INSERT INTO trash_items (user_id, task_id, deleted_at) "
        "SELECT user_id, id, deleted_at FROM tasks WHERE deleted_at IS NOT NULL ORDER BY deleted_at"
    )


def create_items() -> None:
    op.create_table(
        "trash_items",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("task_id", BigId),
        sa.Column("name", sa.String(255)),
        sa.Column("deleted_at", Moment, nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name="fk_trash_items_task_id"),
        sa.PrimaryKeyConstraint("id", name="pk_trash_items"),
        sa.UniqueConstraint("task_id", name="uq_trash_items_task_id"),
        sqlite_autoincrement=True,
        **OPTIONS,
    )
    op.create_index("ix_trash_items_user_id", "trash_items", ["user_id"])
    op.create_index("ix_trash_items_deleted_at", "trash_items", ["deleted_at"])


def create_favorites() -> None:
    op.create_table(
        "trashed_favorites",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("item_id", BigId, nullable=False),
        sa.Column("parent_id", BigId, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("node_type", sa.String(8), nullable=False),
        sa.Column("refer_url", sa.String(255)),
        sa.Column("task_id", BigId),
        sa.Column("upload_id", BigId),
        sa.Column("created_at", Moment, nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["trash_items.id"], name="fk_trashed_favorites_item_id"),
        sa.PrimaryKeyConstraint("id", name="pk_trashed_favorites"),
        **OPTIONS,
    )
    op.create_index("ix_trashed_favorites_item_id", "trashed_favorites", ["item_id"])


def downgrade() -> None:
    op.drop_table("trashed_favorites")
    op.drop_table("trash_items")
    op.drop_index("ix_tasks_retention", "tasks")
