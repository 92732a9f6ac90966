"""What can go wrong with accounts, their tokens and their keys."""

from shared.errors.base import AppError, Conflict, Forbidden, Invalid, NotFound, TooMany, Unauthenticated


class TokenMissing(Unauthenticated):
    """No token came with a request that needs one."""

    code = "token_missing"


class TokenInvalid(Unauthenticated):
    """The token is malformed, forged, or of a kind that is not accepted here."""

    code = "token_invalid"


class TokenExpired(Unauthenticated):
    """The token was good once."""

    code = "token_expired"


class TokenRevoked(Unauthenticated):
    """The token was given up by a logout or a changed password."""

    code = "token_revoked"


class LoginFailed(Unauthenticated):
    """No such account, or not its password; `account_known` is for the contracts that say which of the two."""

    code = "login_failed"

    def __init__(self, account_known: bool = False) -> None:
        super().__init__()
        self.account_known = account_known


class AccountDisabled(Forbidden):
    """The password is right, and an administrator has closed the account."""

    code = "account_disabled"


class OwnAccount(Conflict):
    """What would shut administrators out is not done to one's own account."""

    code = "own_account"


class LastAdmin(Conflict):
    """Somebody has to be left who can administer the service."""

    code = "last_admin"


class TakeoutRunning(TooMany):
    """The user is fetching a take-out already."""

    code = "takeout_running"


class FormRefused(Forbidden):
    """A form that was not sent from the page of this very login."""

    code = "form_refused"


class WrongPassword(Forbidden):
    """The old password that should confirm a change is not the right one."""

    code = "wrong_password"


class CodeWrong(Forbidden):
    """The mailed code is not the right one, was used, or is too old; which of these is not said."""

    code = "code_wrong"


class EmailUnknown(NotFound):
    """No account has this address."""

    code = "email_unknown"


class AccountTaken(Conflict):
    """Another user has this name."""

    code = "account_taken"


class EmailTaken(Conflict):
    """Another user has this address."""

    code = "email_taken"


class NewEmailTaken(EmailTaken):
    """Another user has the address that somebody wants to change to."""

    code = "new_email_taken"


class CaptchaWrong(Invalid):
    """The captcha was not read rightly, is too old, was used before, or is missing where one is needed."""

    code = "captcha_wrong"


class CaptchaUnknown(NotFound):
    """There is no such captcha, it was used, or it is too old."""

    code = "captcha_unknown"


class MailFailed(AppError):
    """The mail server is away, too slow, or refused the mail."""

    code = "mail_failed"


class AccountUnknown(NotFound):
    """No account has this name."""

    code = "account_unknown"


class ApiKeysFull(Conflict):
    """The user has as many provider keys as one may have."""

    code = "api_keys_full"


class ApiNameTaken(Conflict):
    """Another of the user's provider keys has this name."""

    code = "api_name_taken"


class ProviderFailed(AppError):
    """The user's provider did not answer as it should; `reason`, also its code, is what was the matter."""

    code = "provider_failed"

    def __init__(self, reason: str = "provider_failed") -> None:
        super().__init__(reason)
        self.reason = self.code = reason
