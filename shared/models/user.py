"""A person with an account."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base, CreatedAt, PrimaryKey


class User(Base):
    """One user; `role` is `user` or `admin`. `token_version` is in every token: raising it ends all of them.

    While one is `disabled_at` a moment no token counts and nobody can log in. The caps and the quota are
    instead of the settings' ones. `logins_left` is how often the password still serves to log in; None: always.
    One that was `erased_at` a moment has no name any more; workers remove what they had, and then this row.
    """

    __tablename__ = "users"
    __table_args__ = (Index("ix_users_erased_at", "erased_at"), Base.__table_args__)

    id: Mapped[PrimaryKey]
    account: Mapped[str] = mapped_column(String(64))
    account_key: Mapped[str] = mapped_column(String(255), unique=True)
    email: Mapped[str] = mapped_column(String(255), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(16), default="user")
    token_version: Mapped[int] = mapped_column(default=0)
    avatar_url: Mapped[str | None] = mapped_column(String(2048))
    avatar_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[CreatedAt]
    last_login_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    queue_cap: Mapped[int | None]
    running_cap: Mapped[int | None]
    quota_bytes: Mapped[int | None] = mapped_column(BigInteger)
    logins_left: Mapped[int | None]
    erased_at: Mapped[datetime | None]
