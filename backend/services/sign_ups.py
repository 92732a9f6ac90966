"""Signing up: the one rule about who has to read a captcha first."""

from backend.services.accounts import Account, Accounts
from backend.services.avatars import Sent
from backend.services.captchas import Answer, Captchas


class SignUps:
    """`captcha_required` is whether every contract's registration asks for a captcha."""

    def __init__(self, accounts: Accounts, captchas: Captchas, captcha_required: bool) -> None:
        self._accounts = accounts
        self._captchas = captchas
        self._captcha_required = captcha_required

    def sign_up(
        self, account: str, email: str, password: str, answer: Answer | None, avatar: Sent | None = None
    ) -> Account:
        """A new user. Raises what Accounts.register raises, and CaptchaWrong where a captcha is required."""
        if self._captcha_required:
            self._captchas.spend(answer)
        return self._accounts.register(account, email, password, avatar)

    def sign_up_by_captcha(self, account: str, email: str, password: str, answer: Answer) -> Account:
        """The same with a captcha in any case; it is spent whatever becomes of the rest."""
        self._captchas.spend(answer)
        return self._accounts.register(account, email, password)
