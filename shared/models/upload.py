"""A picture that a user uploaded, as a reference for their tasks."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, CreatedAt, HexId, PrimaryKey


class Upload(Base):
    """One file, decoded and encoded anew. One that nothing has ever used (`used_at`) is removed after a while."""

    __tablename__ = "uploads"
    __table_args__ = (
        Index("ix_uploads_unused", "used_at", "created_at"),
        Index("ix_uploads_bytes", "user_id", "bytes"),
        Base.__table_args__,
    )

    id: Mapped[PrimaryKey]
    public_id: Mapped[HexId] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    key: Mapped[str] = mapped_column(String(255))
    media_type: Mapped[str] = mapped_column(String(64))
    bytes: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    width: Mapped[int]
    height: Mapped[int]
    created_at: Mapped[CreatedAt]
    used_at: Mapped[datetime | None]
