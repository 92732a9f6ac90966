"""Codes that are mailed to an address, to show that somebody reads what comes there.

A code has six digits, lives ten minutes, works once, and is compared with five guesses at most. Only a keyed hash of
it is kept, under a key of its own derived from the one secret (HMAC-SHA256). All times are the database's.
"""

import hashlib
import hmac
import math
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.services.mail import Mail, Mailer
from shared.clock import database_now
from shared.db import writing
from shared.errors import CodeWrong, MailFailed, TooMany
from shared.models import VerificationCode

DIGITS = 6
LIFE_SECONDS = 600
ATTEMPTS = 5
PAUSE_SECONDS = 60


class Purpose(StrEnum):
    """What a code is good for."""

    REGISTER = "register"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - no password
    EMAIL_CHANGE = "email_change"


Compose = Callable[[Purpose, str, str], Mail]  # of the purpose, the address and the code


@dataclass(frozen=True)
class Proof:
    """A right code that is still to be spent."""

    purpose: Purpose
    address: str
    code_hash: str


class Codes:
    """The codes of all addresses; `limited` is whether an address gets at most one a minute."""

    def __init__(self, session: Session, mailer: Mailer, compose: Compose, secret: str, limited: bool) -> None:
        self._session = session
        self._mailer = mailer
        self._compose = compose
        self._key = hashlib.sha256(f"codes:{secret}".encode()).digest()
        self._limited = limited

    def send(self, purpose: Purpose, address: str) -> None:
        """Mail a fresh code, which replaces an earlier one for the same purpose. Raises TooMany, MailFailed."""
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
        code_hash = self._hash(purpose, address, code)
        try:
            self._keep(purpose, address, code_hash)
        except IntegrityError:  # somebody else asked for the same just now: this time their code is seen
            self._keep(purpose, address, code_hash)
        try:
            self._mailer.send(self._compose(purpose, address, code))
        except MailFailed:
            self._withdraw(purpose, address, code_hash)  # so that they may ask again at once
            raise

    def check(self, purpose: Purpose, address: str, code: str) -> Proof:
        """One of the five attempts, counted before anything is compared. Raises CodeWrong."""
        right = self._hash(purpose, address, code)
        with writing(self._session):
            kept = self._lock(purpose, address)
            usable = kept is not None and kept.usable
            if usable:
                more = {"attempts": VerificationCode.attempts + 1}
                self._execute(update(VerificationCode).where(VerificationCode.id == kept.id).values(more))
        if not usable or not hmac.compare_digest(kept.code_hash, right):
            raise CodeWrong
        return Proof(purpose, address, right)

    def spend(self, proof: Proof) -> None:
        """Part of the caller's transaction: works for one only. Raises CodeWrong."""
        kept = self._lock(proof.purpose, proof.address)
        if kept is None or kept.code_hash != proof.code_hash:
            raise CodeWrong
        self._execute(delete(VerificationCode).where(VerificationCode.id == kept.id))

    def _lock(self, purpose: Purpose, address: str) -> Any:
        """The id, the hash and whether it is usable of the address's code, which nobody else changes meanwhile.

        Asks for the unique key and nothing else: a server that may choose among indexes lets two that lock the same
        row by two of them wait for each other.
        """
        usable = and_(VerificationCode.attempts < ATTEMPTS, VerificationCode.expires_at > database_now())
        facts = select(VerificationCode.id, VerificationCode.code_hash, usable.label("usable"))
        return self._session.execute(facts.where(*_of(purpose, address)).with_for_update()).one_or_none()

    def _keep(self, purpose: Purpose, address: str, code_hash: str) -> None:
        times = {"created_at": database_now(), "expires_at": database_now(LIFE_SECONDS)}
        fresh = {"code_hash": code_hash, "attempts": 0, **times}
        with writing(self._session):
            kept = self._lock(purpose, address)
            self._refuse_haste(address)
            if kept is None:
                self._execute(insert(VerificationCode).values(purpose=purpose, address=address, **fresh))
            else:
                self._execute(update(VerificationCode).where(VerificationCode.id == kept.id).values(fresh))

    def _refuse_haste(self, address: str) -> None:
        """Raises TooMany within a minute of the address's newest code, whatever that is for."""
        newest = select(func.max(VerificationCode.created_at), database_now())
        mine = (VerificationCode.purpose.in_(Purpose), VerificationCode.address == address)
        created_at, now = self._session.execute(newest.where(*mine)).one()
        pause = PAUSE_SECONDS - (now - created_at).total_seconds() if created_at and self._limited else 0
        if pause > 0:
            raise TooMany(math.ceil(pause))

    def _withdraw(self, purpose: Purpose, address: str, code_hash: str) -> None:
        with suppress(CodeWrong), writing(self._session):
            self.spend(Proof(purpose, address, code_hash))

    def _execute(self, statement: Any) -> None:
        self._session.connection().execute(statement)

    def _hash(self, purpose: Purpose, address: str, code: str) -> str:
        return hmac.new(self._key, f"{purpose}\n{address}\n{code}".encode(), hashlib.sha256).hexdigest()


def _of(purpose: Purpose, address: str) -> tuple[ColumnElement[bool], ...]:
    return VerificationCode.purpose == purpose, VerificationCode.address == address
