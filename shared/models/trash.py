"""What users have deleted and may have back for a while."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, BigId, Moment, PrimaryKey


class TrashItem(Base):
    """One deletion: of a record (`task_id`, whose row says when too) or of favourites (`name`).

    The favourites that went with it are TrashedFavorites. `user_id` is no foreign key: who deletes a record has locked
    it, and would wait here for who has locked the user and wants the record.
    """

    __tablename__ = "trash_items"
    __table_args__ = (Index("ix_trash_items_deleted_at", "deleted_at"), Base.__table_args__)

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = mapped_column(BigId, index=True)
    task_id: Mapped[int | None] = mapped_column(ForeignKey("tasks.id"), unique=True)
    name: Mapped[str | None] = mapped_column(String(255))
    deleted_at: Mapped[Moment]


class TrashedFavorite(Base):
    """A favourite as it was; it takes up no name and no url any more.

    Its parent, task and upload are no foreign keys: they may have gone by the time that somebody wants it back.
    """

    __tablename__ = "trashed_favorites"
    __table_args__ = {**Base.__table_args__, "sqlite_autoincrement": False}  # noqa: RUF012 - as in Base

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    item_id: Mapped[int] = mapped_column(ForeignKey("trash_items.id"), index=True)
    parent_id: Mapped[int] = mapped_column(BigId)
    name: Mapped[str] = mapped_column(String(255))
    node_type: Mapped[str] = mapped_column(String(8))
    refer_url: Mapped[str | None] = mapped_column(String(255))
    task_id: Mapped[int | None] = mapped_column(BigId)
    upload_id: Mapped[int | None] = mapped_column(BigId)
    created_at: Mapped[datetime]
