"""A person with an account."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, CreatedAt, PrimaryKey


class User(Base):
    """One user. `token_version` is in every token: raising it ends all of them."""

    __tablename__ = "users"

    id: Mapped[PrimaryKey]
    account: Mapped[str] = mapped_column(String(64))
    account_key: Mapped[str] = mapped_column(String(255), unique=True)
    email: Mapped[str] = mapped_column(String(255), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    token_version: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[CreatedAt]
