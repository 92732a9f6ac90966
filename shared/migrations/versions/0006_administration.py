"""What administrators decide about users, and what they have done."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0006"
down_revision = "0005"

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Moment = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")
OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "sqlite_autoincrement": True,
}
NEW = ("disabled_at", "queue_cap", "running_cap", "logins_left")


def upgrade() -> None:
    op.add_column("users", sa.Column("disabled_at", Moment))
    for name in NEW[1:]:
        op.add_column("users", sa.Column(name, sa.Integer()))
    op.create_table(
        "audit_entries",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("admin_id", BigId),
        sa.Column("admin", sa.String(64), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["admin_id"], ["users.id"], name="fk_audit_entries_admin_id"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entries"),
        **OPTIONS,
    )


def downgrade() -> None:
    op.drop_table("audit_entries")
    for name in NEW:
        op.drop_column("users", name)
