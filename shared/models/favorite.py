"""A node of a user's tree of favourites."""

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, CreatedAt, PrimaryKey


class Favorite(Base):
    """A folder, or a file that refers to a result (`task_id`) or an upload (`upload_id`) of its user.

    `root_of` is the user's id in their root and NULL elsewhere, so that no user can have two roots.
    """

    __tablename__ = "favorites"
    __table_args__ = (
        Index("uq_favorites_name", "parent_id", "name", unique=True),
        Index("uq_favorites_refer_url", "user_id", "refer_url", unique=True),
        Index("ix_favorites_task_id", "task_id"),
        Index("ix_favorites_upload_id", "upload_id"),
        Base.__table_args__,
    )

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    root_of: Mapped[int | None] = mapped_column(ForeignKey("users.id"), unique=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("favorites.id"))
    name: Mapped[str] = mapped_column(String(255))
    node_type: Mapped[str] = mapped_column(String(8))
    refer_url: Mapped[str | None] = mapped_column(String(255))
    task_id: Mapped[int | None] = mapped_column(ForeignKey("tasks.id"))
    upload_id: Mapped[int | None] = mapped_column(ForeignKey("uploads.id"))
    created_at: Mapped[CreatedAt]
