"""Fair share: the queue's order, what each user has used, and how long models take."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0004"
down_revision = "0003"

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Moment = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")
OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}
NEW = ("priority", "virtual_start", "units", "cost", "waiting_since", "expected_seconds")
ORDER = ["status", "queue", "virtual_start", "id", "user_id"]


def upgrade() -> None:
    add_task_columns()
    create_shares()
    create_rates()


def add_task_columns() -> None:
    new: tuple[sa.Column[Any], ...] = (
        sa.Column("priority", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("virtual_start", sa.Double(), nullable=False, server_default="1000000000"),
        sa.Column("units", sa.Double(), nullable=False, server_default="0"),
        sa.Column("cost", sa.Double(), nullable=False, server_default="0"),
        sa.Column("waiting_since", Moment, nullable=False, server_default="1970-01-01 00:00:00.000000"),
        sa.Column("expected_seconds", sa.Double()),
    )
    for column in new:
        op.add_column("tasks", column)
    op.execute("UPDATE tasks SET waiting_since = created_at")
    op.drop_index("ix_tasks_queue", "tasks")
    op.create_index("ix_tasks_queue", "tasks", ORDER)


def create_shares() -> None:
    op.create_table(
        "shares",
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("queue", sa.String(32), nullable=False),
        sa.Column("priority", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("virtual_finish", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_shares_user_id"),
        sa.PrimaryKeyConstraint("user_id", "queue", "priority", name="pk_shares"),
        **OPTIONS,
    )
    op.create_index("ix_shares_virtual_finish", "shares", ["queue", "priority", "virtual_finish"])
    op.create_table(
        "queue_clocks",
        sa.Column("queue", sa.String(32), nullable=False),
        sa.Column("priority", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("virtual_time", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("queue", "priority", name="pk_queue_clocks"),
        **OPTIONS,
    )


def create_rates() -> None:
    op.create_table(
        "rates",
        sa.Column("model", sa.String(128), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=False) for name in ("seconds_per_unit", "p50", "p90")),
        sa.Column("etas", sa.Integer(), nullable=False),
        *(sa.Column(f"eta_{name}", sa.Double(), nullable=False) for name in ("p50", "p90", "error", "covered")),
        sa.PrimaryKeyConstraint("model", "kind", name="pk_rates"),
        **OPTIONS,
    )


def downgrade() -> None:
    for table in ("rates", "queue_clocks", "shares"):
        op.drop_table(table)
    op.drop_index("ix_tasks_queue", "tasks")
    for name in NEW:
        op.drop_column("tasks", name)
    op.create_index("ix_tasks_queue", "tasks", ["status", "queue", "id"])
