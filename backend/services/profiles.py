"""What users are told of themselves."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.models import User


@dataclass(frozen=True)
class Profile:
    """One user's own facts; no `last_login` before the first one."""

    id: int
    username: str
    email: str
    avatar_url: str | None
    last_login: datetime | None
    created_at: datetime


class Profiles:
    """The profiles of all users."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, user_id: int) -> Profile:
        """Of a user who is there."""
        facts = (User.id, User.account, User.email, User.avatar_url, User.last_login_at, User.created_at)
        return Profile(*self._session.execute(select(*facts).where(User.id == user_id)).one())
