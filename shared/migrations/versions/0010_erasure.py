"""Accounts that are being erased."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0010"
down_revision = "0009"

Moment = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")


def upgrade() -> None:
    op.add_column("users", sa.Column("erased_at", Moment))
    op.create_index("ix_users_erased_at", "users", ["erased_at"])


def downgrade() -> None:
    op.drop_index("ix_users_erased_at", "users")
    op.drop_column("users", "erased_at")
