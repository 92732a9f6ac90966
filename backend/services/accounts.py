"""Users: signing up, logging in, passwords, and which tokens still count."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import BigInteger, ColumnElement, String, bindparam, exists, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash, generate_password_hash

from backend.services.avatars import Avatars, Sent
from backend.services.codes import Codes, Purpose
from backend.services.patience import Patience
from shared.clock import now
from shared.db import writing
from shared.errors import (
    AccountTaken,
    AppError,
    CodeWrong,
    EmailTaken,
    EmailUnknown,
    Invalid,
    LoginFailed,
    NewEmailTaken,
    TokenRevoked,
    WrongPassword,
)
from shared.models import RevokedToken, User

ADMIN = "admin"
KEY_LENGTH = 255  # of the column

# Written once, and on columns of the tables: every request with a token asks this.
USERS, REVOKED = User.__table__.c, RevokedToken.__table__.c
RECOGNISED = select(
    USERS.id, USERS.account, USERS.email, USERS.token_version, USERS.created_at, USERS.role, USERS.avatar_url
).where(
    USERS.id == bindparam("user_id", type_=BigInteger),
    ~exists().where(REVOKED.jti == bindparam("jti", type_=String)),
)


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


@dataclass(frozen=True)
class TokenClaims:
    """What a token says of itself."""

    user_id: int
    version: int
    jti: str
    expires_at: datetime


class Accounts:
    """The accounts of all users."""

    def __init__(self, session: Session, codes: Codes, avatars: Avatars, patience: Patience) -> None:
        self._session = session
        self._codes = codes
        self._avatars = avatars
        self._patience = patience

    def register(self, account: str, email: str, password: str, avatar: Sent | None = None) -> Account:
        """A new user. Raises Invalid, AccountTaken or EmailTaken; names differ by more than case or width.

        What `avatar` may raise besides is said at Avatars.save.
        """
        _refuse_misleading(account)
        with self._avatars.keeping(avatar) as url:
            return self._add(account, email, password, url)

    def log_in(self, name: str, password: str) -> Account:
        """The user of this name or e-mail address.

        Raises LoginFailed, taking as long for an unknown name, and TooMany after many failures.
        """
        named = or_(User.account_key == account_key(name), User.email == name.lower())
        user = self._session.scalar(select(User).where(named))
        key = user.account_key if user else account_key(name)
        self._patience.begin(key)
        matches = check_password_hash(user.password_hash if user else _nobody(), password)
        if user is None or not matches:
            raise LoginFailed(account_known=user is not None)
        self._patience.forget(key)
        account = _account(user)
        with writing(self._session):
            self._session.execute(update(User).where(User.id == account.id).values(last_login_at=now()))
        return account

    def recognise(self, claims: TokenClaims) -> Account:
        """The user of a token. Raises TokenRevoked after a logout, a changed password or the account's end."""
        row = self._session.execute(RECOGNISED, {"user_id": claims.user_id, "jti": claims.jti}).one_or_none()
        if row is None or row.token_version != claims.version:
            raise TokenRevoked
        return Account(*row)

    def change_password(self, user_id: int, old: str, new: str) -> None:
        """Replace the password and end all of the user's tokens. Raises WrongPassword."""
        known = self._session.scalars(select(User.password_hash).where(User.id == user_id)).one()
        if not check_password_hash(known, old):
            raise WrongPassword
        changed = {"password_hash": generate_password_hash(new), "token_version": User.token_version + 1}
        with writing(self._session):
            same = (User.id == user_id, User.password_hash == known)
            if self._session.execute(update(User).where(*same).values(changed)).rowcount != 1:  # type: ignore[attr-defined]
                raise WrongPassword

    def forgot_password(self, email: str) -> None:
        """Mail a code to the user with this address. Raises EmailUnknown, TooMany, MailFailed."""
        if not self._has(User.email == email.lower()):
            raise EmailUnknown
        self._codes.send(Purpose.PASSWORD_RESET, email.lower())

    def reset_password(self, email: str, code: str, new: str) -> None:
        """Replace the password by a mailed code and end all of the user's tokens. Raises CodeWrong."""
        proof = self._codes.check(Purpose.PASSWORD_RESET, email.lower(), code)
        changed = {"password_hash": generate_password_hash(new), "token_version": User.token_version + 1}
        with writing(self._session):
            self._codes.spend(proof)
            reset = update(User).where(User.email == email.lower()).values(changed)
            if self._session.execute(reset).rowcount != 1:  # type: ignore[attr-defined]
                raise CodeWrong  # the address is no user's any more

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
        with writing(self._session):
            before = self._session.scalar(select(User.avatar_url).where(mine).with_for_update())
            self._session.execute(update(User).where(mine).values(avatar_url=url))
        if before != url:
            self._avatars.remove(before)

    def log_out(self, claims: TokenClaims) -> None:
        """End this one token."""
        with writing(self._session):
            self._session.merge(RevokedToken(jti=claims.jti, expires_at=claims.expires_at))

    def _add(self, account: str, email: str, password: str, avatar_url: str | None) -> Account:
        user = User(
            account=unicodedata.normalize("NFC", account),
            account_key=account_key(account),
            email=email.lower(),
            password_hash=generate_password_hash(password),
            avatar_url=avatar_url,
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

    def _has(self, condition: ColumnElement[bool]) -> bool:
        return self._session.scalar(select(User.id).where(condition)) is not None


def _account(user: User) -> Account:
    facts = (user.id, user.account, user.email, user.token_version, user.created_at, user.role, user.avatar_url)
    return Account(*facts)


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
