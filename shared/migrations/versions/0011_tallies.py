"""What workers count for Prometheus."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("workers", sa.Column("tallies", sa.JSON()))


def downgrade() -> None:
    op.drop_column("workers", "tallies")
