"""A code that was mailed to an address."""

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, CreatedAt, Moment, PrimaryKey


class VerificationCode(Base):
    """The newest code for one purpose and address; only a keyed hash of it is kept."""

    __tablename__ = "verification_codes"
    __table_args__ = (
        Index("uq_verification_codes_address", "purpose", "address", unique=True),
        Base.__table_args__,
    )

    id: Mapped[PrimaryKey]
    purpose: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(String(255))
    code_hash: Mapped[str] = mapped_column(String(64))
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[Moment] = mapped_column(index=True)
