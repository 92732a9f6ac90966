"""A token that was given up before its time."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, Moment


class RevokedToken(Base):
    """One token by its `jti`; of no use any more once the token has expired by itself."""

    __tablename__ = "revoked_tokens"

    jti: Mapped[str] = mapped_column(String(36), primary_key=True)
    expires_at: Mapped[Moment] = mapped_column(index=True)
