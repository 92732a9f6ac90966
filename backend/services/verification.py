"""Mailed codes by the user's name or address, for the contract that has one set of routes for all purposes."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.services.accounts import Accounts, account_key
from backend.services.codes import Codes, Purpose
from shared.errors import AccountUnknown, CodeWrong, EmailTaken, EmailUnknown, Invalid
from shared.models import User


class Verification:
    """Exactly one of `username` and `email` says who is meant, the other is empty."""

    def __init__(self, session: Session, codes: Codes, accounts: Accounts) -> None:
        self._session = session
        self._codes = codes
        self._accounts = accounts

    def send(self, purpose: Purpose, username: str, email: str) -> None:
        """Mail a code. One for signing up goes to an address that is no account's yet.

        Raises Invalid, AccountUnknown, EmailUnknown, EmailTaken, TooMany, MailFailed.
        """
        address = self._account_address(username, email)
        if purpose is Purpose.REGISTER:
            address = _fresh(email, taken=address is not None)
        if address is None:
            raise EmailUnknown if email else AccountUnknown
        self._codes.send(purpose, address)

    def check(self, purpose: Purpose, username: str, email: str, code: str) -> None:
        """One of the code's attempts, without spending it. Raises CodeWrong, also for nobody's name or address."""
        address = self._account_address(username, email)
        if purpose is Purpose.REGISTER and email:
            address = email.lower()
        if address is None:
            raise CodeWrong
        self._codes.check(purpose, address, code)

    def reset_password(self, username: str, email: str, code: str, new: str) -> None:
        """Raises CodeWrong, also for nobody's name or address."""
        address = self._account_address(username, email)
        if address is None:
            raise CodeWrong
        self._accounts.reset_password(address, code, new)

    def _account_address(self, username: str, email: str) -> str | None:
        """The address of the account that is meant, None where there is none."""
        named = User.email == email.lower() if email else User.account_key == account_key(username)
        return self._session.scalar(select(User.email).where(named))


def _fresh(email: str, taken: bool) -> str:
    """Raises Invalid without an address, EmailTaken for an account's."""
    if not email:
        raise Invalid.of("email", "missing")
    if taken:
        raise EmailTaken
    return email.lower()
