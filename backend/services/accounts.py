"""Users: signing up, logging in, passwords and addresses."""

import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash, generate_password_hash

from backend.services.avatars import Avatars, Sent
from backend.services.codes import Codes, Purpose
from backend.services.patience import Patience
from shared.clock import now
from shared.db import writing
from shared.errors import (
    AccountDisabled,
    AccountTaken,
    AppError,
    CodeWrong,
    EmailTaken,
    EmailUnknown,
    Invalid,
    LoginFailed,
    NewEmailTaken,
    WrongPassword,
)
from shared.models import User

ADMIN, USER = "admin", "user"
KEY_LENGTH = 255  # of the column
ONE_TIME_BYTES = 12


@dataclass(frozen=True)
class Account:
    """A user as the other parts know them."""

    id: int
    account: str
    email: str
    token_version: int
    created_at: datetime
    role: str
    avatar_url: str | None


class Accounts:
    """The accounts of all users."""

    def __init__(self, session: Session, codes: Codes, avatars: Avatars, patience: Patience) -> None:
        self._session = session
        self._codes = codes
        self._avatars = avatars
        self._patience = patience

    def register(
        self, account: str, email: str, password: str, avatar: Sent | None = None, role: str = USER
    ) -> Account:
        """A new user. Raises Invalid, AccountTaken or EmailTaken; names differ by more than case or width.

        What `avatar` may raise besides is said at Avatars.save.
        """
        _refuse_misleading(account)
        with self._avatars.keeping(avatar) as url:
            return self._add(account, email, password, url, role)

    def log_in(self, name: str, password: str) -> Account:
        """The user of this name or e-mail address.

        Raises LoginFailed, taking as long for an unknown name, TooMany after many failures, and AccountDisabled.
        """
        user = self._session.scalar(select(User).where(login_name(name)))
        key = user.account_key if user else account_key(name)
        self._patience.begin(key)
        matches = check_password_hash(user.password_hash if user else _nobody(), password)
        if user is None or not matches:
            raise LoginFailed(account_known=user is not None)
        self._patience.forget(key)
        if user.disabled_at:
            raise AccountDisabled
        account = _account(user)
        serves = (User.id == account.id, or_(User.logins_left.is_(None), User.logins_left > 0))
        seen = {"last_login_at": now(), "logins_left": User.logins_left - 1}
        with writing(self._session):
            if not self._changed(update(User).where(*serves).values(seen)):
                raise LoginFailed(account_known=True)
        return account

    def confirm(self, user_id: int, password: str) -> None:
        """Whether it is really them. Raises LoginFailed for another password, TooMany after many failures."""
        facts = select(User.account_key, User.password_hash).where(User.id == user_id)
        user = self._session.execute(facts).one()
        self._patience.begin(user.account_key)
        if not check_password_hash(user.password_hash, password):
            raise LoginFailed(account_known=True)
        self._patience.forget(user.account_key)

    def change_password(self, user_id: int, old: str, new: str) -> None:
        """Replace the password and end all of the user's tokens. Raises WrongPassword."""
        known = self._session.scalars(select(User.password_hash).where(User.id == user_id)).one()
        if not check_password_hash(known, old):
            raise WrongPassword
        with writing(self._session):
            same = (User.id == user_id, User.password_hash == known)
            if not self._changed(update(User).where(*same).values(_fresh_password(new))):
                raise WrongPassword

    def forgot_password(self, email: str) -> None:
        """Mail a code to the user with this address. Raises EmailUnknown, TooMany, MailFailed."""
        if not self._has(User.email == email.lower()):
            raise EmailUnknown
        self._codes.send(Purpose.PASSWORD_RESET, email.lower())

    def reset_password(self, email: str, code: str, new: str) -> None:
        """Replace the password by a mailed code and end all of the user's tokens. Raises CodeWrong."""
        proof = self._codes.check(Purpose.PASSWORD_RESET, email.lower(), code)
        with writing(self._session):
            self._codes.spend(proof)
            if not self._changed(update(User).where(User.email == email.lower()).values(_fresh_password(new))):
                raise CodeWrong  # the address is no user's any more

    def one_time_password(self, user_id: int) -> str:
        """Replace the password by one that serves to log in once, and to be changed; all of the user's tokens end."""
        password = secrets.token_urlsafe(ONE_TIME_BYTES)
        with writing(self._session):
            once = {**_fresh_password(password), "logins_left": 1}
            self._session.execute(update(User).where(User.id == user_id).values(once))
        return password

    def change_email(self, user_id: int, new: str) -> str:
        """Replace the address; returns it as it is kept. Raises NewEmailTaken."""
        try:
            with writing(self._session):
                self._session.execute(update(User).where(User.id == user_id).values(email=new.lower()))
        except IntegrityError as error:
            raise NewEmailTaken from error
        return new.lower()

    def set_avatar(self, user_id: int, url: str | None) -> None:
        """Show this picture from now on, one of Avatars.save or one elsewhere. An uploaded one before it goes."""
        mine = User.id == user_id
        shown = {"avatar_url": url, "avatar_bytes": self._avatars.size(url)}
        with writing(self._session):
            before = self._session.scalar(select(User.avatar_url).where(mine).with_for_update())
            self._session.execute(update(User).where(mine).values(shown))
        if before != url:
            self._avatars.remove(before)

    def _add(self, account: str, email: str, password: str, avatar_url: str | None, role: str) -> Account:
        user = User(
            account=unicodedata.normalize("NFC", account),
            account_key=account_key(account),
            email=email.lower(),
            password_hash=generate_password_hash(password),
            avatar_url=avatar_url,
            avatar_bytes=self._avatars.size(avatar_url),
            role=role,
        )
        try:
            with writing(self._session):
                self._refuse_taken(user.account_key, user.email)
                self._session.add(user)
        except IntegrityError as error:
            self._refuse_taken(user.account_key, user.email)
            raise AppError from error
        return _account(user)

    def _refuse_taken(self, account_key: str, email: str) -> None:
        if self._has(User.account_key == account_key):
            raise AccountTaken
        if self._has(User.email == email):
            raise EmailTaken

    def _changed(self, statement: Any) -> bool:
        """Whether it has found its row."""
        return self._session.connection().execute(statement).rowcount == 1

    def _has(self, condition: ColumnElement[bool]) -> bool:
        return self._session.scalar(select(User.id).where(condition)) is not None


def _fresh_password(password: str) -> dict[str, Any]:
    """What a user's row says of it; the tokens of the one before end."""
    hashed = generate_password_hash(password)
    return {"password_hash": hashed, "token_version": User.token_version + 1, "logins_left": None}


def _account(user: User) -> Account:
    facts = (user.id, user.account, user.email, user.token_version, user.created_at, user.role, user.avatar_url)
    return Account(*facts)


def login_name(name: str) -> ColumnElement[bool]:
    """Whom somebody means who logs in."""
    return or_(User.account_key == account_key(name), User.email == name.lower())


def account_key(account: str) -> str:
    """What two names that a reader could take for each other have in common (Unicode's NFKC and case folding)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", account).casefold())


def _refuse_misleading(account: str) -> None:
    """No name may pass for an e-mail address, with which one can log in too, or for another name."""
    key = account_key(account)
    if not account.isprintable() or account != account.strip() or "@" in key or len(key) > KEY_LENGTH:
        raise Invalid.of("account", "misleading_name")


@cache
def _nobody() -> str:
    """A hash that no password has been made for."""
    return generate_password_hash("nobody")
