"""What workers tell of themselves, and that they are to take no more tasks."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

NEW = ("pid", "state", "models", "ended", "memory", "drain_requested")


def upgrade() -> None:
    op.execute("DELETE FROM workers")  # those that live register again, at their next beat
    op.add_column("workers", sa.Column("pid", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("workers", sa.Column("state", sa.String(16), nullable=False, server_default="idle"))
    op.add_column("workers", sa.Column("models", sa.JSON(), nullable=False))
    op.add_column("workers", sa.Column("ended", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("workers", sa.Column("memory", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("workers", sa.Column("drain_requested", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    for name in NEW:
        op.drop_column("workers", name)
