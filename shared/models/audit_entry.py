"""What an administrator has done."""

from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, CreatedAt, PrimaryKey


class AuditEntry(Base):
    """One action: who (`admin`, as the account was called then; no id for whoever sits at the terminal), on whom.

    Nothing here is secret: no password, no prompt.
    """

    __tablename__ = "audit_entries"

    id: Mapped[PrimaryKey]
    created_at: Mapped[CreatedAt]
    admin_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    admin: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(String(255))
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
