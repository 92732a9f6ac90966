"""What can go wrong, said once. How an error is written on the wire is each dialect's business.

A class stands for one stable, machine-readable `code`; its bases say what sort of failure it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FieldProblem:
    """One field of a request and what is wrong with it; `field` is a dotted path such as `parameters.width`."""

    field: str
    code: str
    message: str


class AppError(Exception):
    """Base of every error that a client may see."""

    code = "internal_error"
    retry_after: int | None = None

    def __init__(self, message: str = "", problems: Sequence[FieldProblem] = ()) -> None:
        super().__init__(message or self.code)
        self.problems = tuple(problems)


class Invalid(AppError):
    """The request cannot be understood or is outside what is allowed."""

    code = "invalid_request"

    @classmethod
    def field(cls, field: str, code: str, message: str) -> "Invalid":
        return cls(f"{field}: {message}", [FieldProblem(field, code, message)])


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


class LoginFailed(Unauthenticated):
    """No such account, or not its password; which of the two is not said."""

    code = "login_failed"


class Forbidden(AppError):
    """The caller is known and may not do this."""

    code = "forbidden"


class WrongPassword(Forbidden):
    """The old password that should confirm a change is not the right one."""

    code = "wrong_password"


class NotFound(AppError):
    """No such thing, or somebody else's."""

    code = "not_found"


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


class TooLarge(AppError):
    """The body is larger than this service takes."""

    code = "too_large"


class UnsupportedMediaType(AppError):
    """The body's content type is not one that this route takes."""

    code = "unsupported_media_type"


class Unavailable(AppError):
    """Something that the request needs is away; the same request may work later."""

    code = "unavailable"
    retry_after = 5
