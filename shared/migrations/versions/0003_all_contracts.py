"""Users' provider keys, avatars, and when somebody last logged in."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0003"
down_revision = "0002"

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Moment = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")
OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "sqlite_autoincrement": True,
}


def upgrade() -> None:
    op.add_column("users", sa.Column("avatar_url", sa.String(2048)))
    op.add_column("users", sa.Column("last_login_at", Moment))
    op.create_table(
        "provider_keys",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("api_name", sa.String(100), nullable=False),
        sa.Column("model_name", sa.String(100), nullable=False),
        sa.Column("base_url", sa.String(500), nullable=False),
        sa.Column("encrypted_key", sa.Text(), nullable=False),
        sa.Column("last_four", sa.String(4), nullable=False),
        sa.Column("vault_version", sa.String(16), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("updated_at", Moment, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_provider_keys_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_provider_keys"),
        **OPTIONS,
    )
    op.create_index("uq_provider_keys_api_name", "provider_keys", ["user_id", "api_name"], unique=True)
    op.create_index("ix_provider_keys_vault_version", "provider_keys", ["vault_version"])


def downgrade() -> None:
    op.drop_table("provider_keys")
    for name in ("avatar_url", "last_login_at"):
        op.drop_column("users", name)
