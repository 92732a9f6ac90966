"""Which request has queued a task, for the log."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("tasks", sa.Column("request_id", sa.String(64)))


def downgrade() -> None:
    op.drop_column("tasks", "request_id")
