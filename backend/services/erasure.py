"""Erasing accounts: at once nobody can use one any more and its names are free; workers then remove what it had."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.orm import Session

from backend.services.accounts import ADMIN, USER, Accounts
from backend.services.administration.audit import Action, Actor, Audit
from backend.services.avatars import Avatars
from backend.services.cursor import MAX_NUMBER
from backend.services.generations import Generations
from shared.clock import database_now
from shared.db import writing
from shared.erasure import DONE_SECONDS, pseudonym
from shared.errors import LastAdmin, NotFound, OwnAccount
from shared.models import User, VerificationCode

log = structlog.get_logger(__name__)

NOBODYS_PASSWORD = "-"  # noqa: S105 - no hash: no password has it


@dataclass(frozen=True)
class Erased:
    """From when on the account is closed, and by when nothing of it is left."""

    erased_at: datetime
    done_by: datetime


class Erasure:
    """For all users."""

    def __init__(
        self, session: Session, accounts: Accounts, generations: Generations, avatars: Avatars, audit: Audit
    ) -> None:
        self._session = session
        self._accounts = accounts
        self._generations = generations
        self._avatars = avatars
        self._audit = audit

    def leave(self, user_id: int, password: str) -> Erased:
        """By the user, who has to give the password. Raises LoginFailed, TooMany, LastAdmin, NotFound."""
        self._accounts.confirm(user_id, password)
        return self._erase(user_id)

    def remove(self, actor: Actor, user_id: int) -> Erased:
        """By an administrator, who is somebody else. Raises OwnAccount, NotFound."""
        if actor.id == user_id:
            raise OwnAccount
        with self._audit.acting(actor, Action.ERASE, pseudonym(user_id)):
            return self._erase(user_id)

    def _erase(self, user_id: int) -> Erased:
        """The user first, so that no task can come after theirs were cancelled."""
        with writing(self._session):
            user = self._locked(user_id)
            codes = delete(VerificationCode).where(VerificationCode.address == user.email)
            self._session.execute(codes)
            self._audit.forget(user_id, user.account)
            self._session.execute(update(User).where(User.id == user_id).values(_nobody()))
            running = self._generations.end_all(user_id)
            erased_at: Any = self._session.scalars(select(User.erased_at).where(User.id == user_id)).one()
        log.info("account_closed", user_id=user_id)
        self._generations.stop(running)
        self._avatars.remove(user.avatar_url)  # everybody can see it; if this fails, a worker does it
        return Erased(erased_at, erased_at + timedelta(seconds=DONE_SECONDS))

    def _locked(self, user_id: int) -> Row[Any]:
        self._refuse_last(user_id)
        facts: tuple[Any, ...] = (User.account, User.email, User.avatar_url)
        known = select(*facts).where(User.id == user_id, User.erased_at.is_(None)).with_for_update()
        user = self._session.execute(known).one_or_none() if user_id <= MAX_NUMBER else None
        if user is None:
            raise NotFound(str(user_id))
        return user

    def _refuse_last(self, user_id: int) -> None:
        """Administrators are locked, all in one order: of two who leave at once neither counts on the other."""
        able = (User.role == ADMIN, User.disabled_at.is_(None))
        admins = self._session.scalars(select(User.id).where(*able)).all()
        if user_id not in admins:
            return
        locked = select(User.id).where(User.id.in_(admins), *able).order_by(User.id).with_for_update()
        if self._session.scalars(locked).all() == [user_id]:
            raise LastAdmin


def _nobody() -> dict[str, Any]:
    """What the row says of somebody who has gone: names that nobody can guess, to log in with or to have."""
    name = f"erased {secrets.token_hex(16)}"
    return {
        "account": name,
        "account_key": name,
        "email": f"{secrets.token_hex(16)}@erased.invalid",
        "password_hash": NOBODYS_PASSWORD,
        "role": USER,
        "token_version": User.token_version + 1,
        "last_login_at": None,
        "disabled_at": func.coalesce(User.disabled_at, database_now()),
        "erased_at": database_now(),
    }
