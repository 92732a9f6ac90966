"""Favourites, uploads, mailed codes, roles; what the history asks for in columns of its own."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0002"
down_revision = "0001"

BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Moment = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")
OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "sqlite_autoincrement": True,
}
HISTORY = ("kind", "status", "model", "sampling_method", "steps", "seed", "width", "height", "has_result", "favorite")
FILLED = ("sampling_method", "steps", "seed", "width", "height")


def upgrade() -> None:
    op.add_column("users", sa.Column("role", sa.String(16), nullable=False, server_default="user"))
    add_task_columns()
    fill_task_columns()
    index_tasks()
    create_uploads()
    create_verification_codes()
    create_favorites()


def add_task_columns() -> None:
    new: tuple[sa.Column[Any], ...] = (
        sa.Column("sampling_method", sa.String(64), nullable=False, server_default=""),
        sa.Column("steps", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("seed", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("width", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("height", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("images", sa.JSON()),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("has_result", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("favorite", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("idempotency_key", sa.String(64)),
        sa.Column("request_hash", sa.String(64)),
        sa.Column("updated_at", Moment, nullable=False, server_default="1970-01-01 00:00:00.000000"),
        sa.Column("deleted_at", Moment),
    )
    for column in new:
        op.add_column("tasks", column)


def fill_task_columns() -> None:
    """From the parameters, which have had it all along. MySQL keeps JSON's quotes unless told not to."""
    on_mysql = op.get_bind().dialect.name == "mysql"
    parameters: sa.ColumnElement[Any] = sa.literal_column("parameters")
    tasks = sa.table("tasks", *(sa.column(name) for name in FILLED))
    for name in FILLED:
        found = sa.func.json_extract(parameters, f"$.{name}")
        op.execute(tasks.update().values({name: sa.func.json_unquote(found) if on_mysql else found}))
    op.execute("UPDATE tasks SET has_result = (status = 'completed'), updated_at = COALESCE(finished_at, created_at)")


def index_tasks() -> None:
    op.create_index("ix_tasks_updated_at", "tasks", ["updated_at"])
    op.create_index("ix_tasks_user_updated_at", "tasks", ["user_id", "updated_at"])
    op.create_index("uq_tasks_idempotency_key", "tasks", ["user_id", "idempotency_key"], unique=True)
    op.create_index("ix_tasks_by_created_at", "tasks", ["user_id", "deleted_at", "created_at"])
    for column in HISTORY:
        op.create_index(f"ix_tasks_by_{column}", "tasks", ["user_id", "deleted_at", column, "created_at"])
    op.drop_index("ix_tasks_user_id", "tasks")  # the others begin with it too


def create_uploads() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(32), nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("media_type", sa.String(64), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("used_at", Moment),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_uploads_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_uploads"),
        sa.UniqueConstraint("public_id", name="uq_uploads_public_id"),
        **OPTIONS,
    )
    op.create_index("ix_uploads_user_id", "uploads", ["user_id"])
    op.create_index("ix_uploads_unused", "uploads", ["used_at", "created_at"])


def create_verification_codes() -> None:
    op.create_table(
        "verification_codes",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("address", sa.String(255), nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("expires_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_verification_codes"),
        **OPTIONS,
    )
    op.create_index("uq_verification_codes_address", "verification_codes", ["purpose", "address"], unique=True)
    op.create_index("ix_verification_codes_expires_at", "verification_codes", ["expires_at"])


def create_favorites() -> None:
    op.create_table(
        "favorites",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("root_of", BigId),
        sa.Column("parent_id", BigId),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("node_type", sa.String(8), nullable=False),
        sa.Column("refer_url", sa.String(255)),
        sa.Column("task_id", BigId),
        sa.Column("upload_id", BigId),
        sa.Column("created_at", Moment, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_favorites_user_id"),
        sa.ForeignKeyConstraint(["root_of"], ["users.id"], name="fk_favorites_root_of"),
        sa.ForeignKeyConstraint(["parent_id"], ["favorites.id"], name="fk_favorites_parent_id"),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name="fk_favorites_task_id"),
        sa.ForeignKeyConstraint(["upload_id"], ["uploads.id"], name="fk_favorites_upload_id"),
        sa.PrimaryKeyConstraint("id", name="pk_favorites"),
        sa.UniqueConstraint("root_of", name="uq_favorites_root_of"),
        **OPTIONS,
    )
    op.create_index("uq_favorites_name", "favorites", ["parent_id", "name"], unique=True)
    op.create_index("uq_favorites_refer_url", "favorites", ["user_id", "refer_url"], unique=True)
    op.create_index("ix_favorites_task_id", "favorites", ["task_id"])
    op.create_index("ix_favorites_upload_id", "favorites", ["upload_id"])


def downgrade() -> None:
    for table in ("favorites", "verification_codes", "uploads"):
        op.drop_table(table)
    op.create_index("ix_tasks_user_id", "tasks", ["user_id"])
    for index in ("ix_tasks_updated_at", "ix_tasks_user_updated_at", "uq_tasks_idempotency_key"):
        op.drop_index(index, "tasks")
    for column in ("created_at", *HISTORY):
        op.drop_index(f"ix_tasks_by_{column}", "tasks")
    new = (*HISTORY[3:], "images", "cancel_requested", "idempotency_key", "request_hash", "updated_at", "deleted_at")
    for name in new:
        op.drop_column("tasks", name)
    op.drop_column("users", "role")
