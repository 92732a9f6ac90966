"""A user's own key for a provider of models with an OpenAI-compatible interface."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, CreatedAt, PrimaryKey


class ProviderKey(Base):
    """One key, by the name that its user gave it. It is kept encrypted; only its last four characters are readable."""

    __tablename__ = "provider_keys"
    __table_args__ = (
        Index("uq_provider_keys_api_name", "user_id", "api_name", unique=True),
        Index("ix_provider_keys_vault_version", "vault_version"),
        Base.__table_args__,
    )

    id: Mapped[PrimaryKey]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    api_name: Mapped[str] = mapped_column(String(100))
    model_name: Mapped[str] = mapped_column(String(100))
    base_url: Mapped[str] = mapped_column(String(500))
    encrypted_key: Mapped[str] = mapped_column(Text)
    last_four: Mapped[str] = mapped_column(String(4))
    vault_version: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[datetime]
