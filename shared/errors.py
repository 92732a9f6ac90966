"""What can go wrong, said once. How an error is written on the wire is each dialect's business.

A class stands for one stable, machine-readable `code`; its bases say what sort of failure it is.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class FieldProblem:
    """One field of a request and what is wrong with it; `field` is a dotted path such as `parameters.width`.

    `facts` are what the code's text has blanks for, such as the limit that was passed.
    """

    field: str
    code: str
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class AppError(Exception):
    """Base of every error that a client may see."""

    code = "internal_error"
    retry_after: int | None = None

    def __init__(self, message: str = "", problems: Sequence[FieldProblem] = ()) -> None:
        super().__init__(message or self.code)
        self.problems = tuple(problems)

    @classmethod
    def of(cls, field: str, code: str, **facts: Any) -> Self:
        """The error for one field."""
        return cls(f"{field}: {code}", [FieldProblem(field, code, facts)])


class Invalid(AppError):
    """The request cannot be understood or is outside what is allowed."""

    code = "invalid_request"


class MalformedBody(Invalid):
    """The body is not what its content type says."""

    code = "malformed_body"


class Unauthenticated(AppError):
    """The credentials of this request are not valid."""

    code = "unauthenticated"


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


class LinkInvalid(Unauthenticated):
    """The signature of a link is not ours."""

    code = "link_invalid"


class LinkExpired(Unauthenticated):
    """The link was good once."""

    code = "link_expired"


class LoginFailed(Unauthenticated):
    """No such account, or not its password; which of the two is not said."""

    code = "login_failed"


class Forbidden(AppError):
    """The caller is known and may not do this."""

    code = "forbidden"


class WrongPassword(Forbidden):
    """The old password that should confirm a change is not the right one."""

    code = "wrong_password"


class CodeWrong(Forbidden):
    """The mailed code is not the right one, was used, or is too old; which of these is not said."""

    code = "code_wrong"


class NotFound(AppError):
    """No such thing, or somebody else's."""

    code = "not_found"


class EmailUnknown(NotFound):
    """No account has this address."""

    code = "email_unknown"


class MethodNotAllowed(AppError):
    """The path exists and does not take this method."""

    code = "method_not_allowed"


class Conflict(AppError):
    """The request contradicts what is there already."""

    code = "conflict"


class AccountTaken(Conflict):
    """Another user has this name."""

    code = "account_taken"


class EmailTaken(Conflict):
    """Another user has this address."""

    code = "email_taken"


class NewEmailTaken(EmailTaken):
    """Another user has the address that somebody wants to change to."""

    code = "new_email_taken"


class IdempotencyMismatch(Conflict):
    """The idempotency key belongs to another request."""

    code = "idempotency_mismatch"


class NotRetryable(Conflict):
    """Only a failed or cancelled task can be tried again."""

    code = "not_retryable"


class StillRunning(Conflict):
    """The task has to end, or be cancelled, before this."""

    code = "still_running"


class NameTaken(Conflict):
    """The folder has a node of this name."""

    code = "name_taken"


class AlreadyFavorite(Conflict):
    """The file is in the favourites already."""

    code = "already_favorite"


class FavoritesFull(Conflict):
    """The favourites hold as many nodes as they may."""

    code = "favorites_full"


class TooMany(AppError):
    """The caller asks more often than is allowed."""

    code = "too_many_requests"

    def __init__(self, retry_after: int = 60) -> None:
        super().__init__()
        self.retry_after = retry_after


class MailFailed(AppError):
    """The mail server is away, too slow, or refused the mail."""

    code = "mail_failed"


class TooLarge(AppError):
    """The body is larger than this service takes."""

    code = "too_large"


class RangeNotSatisfiable(AppError):
    """The part that was asked for lies behind the file's end."""

    code = "range_not_satisfiable"


class UnsupportedMediaType(AppError):
    """The body's content type is not one that this route takes."""

    code = "unsupported_media_type"


class Unavailable(AppError):
    """Something that the request needs is away; the same request may work later."""

    code = "unavailable"
    retry_after = 5
