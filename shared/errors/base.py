"""The kinds of failure, each with the HTTP-free meaning that a dialect writes in its own way.

A class stands for one stable, machine-readable `code`; its bases say what sort of failure it is.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
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
    facts: Mapping[str, Any] = MappingProxyType({})  # what the text of `code` has blanks for
    said = ""  # the code of the text that a route has for its faults; empty: the text of `code`

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


class Forbidden(AppError):
    """The caller is known and may not do this."""

    code = "forbidden"


class NotFound(AppError):
    """No such thing, or somebody else's."""

    code = "not_found"


class MethodNotAllowed(AppError):
    """The path exists and does not take this method."""

    code = "method_not_allowed"


class Conflict(AppError):
    """The request contradicts what is there already."""

    code = "conflict"


class TooLarge(AppError):
    """The body is larger than this service takes."""

    code = "too_large"


class UnsupportedMediaType(AppError):
    """The body's content type is not one that this route takes."""

    code = "unsupported_media_type"


class RangeNotSatisfiable(AppError):
    """The part that was asked for lies behind the file's end."""

    code = "range_not_satisfiable"


class TooMany(AppError):
    """The caller asks more often than is allowed."""

    code = "too_many_requests"

    def __init__(self, retry_after: int = 60) -> None:
        super().__init__()
        self.retry_after = retry_after


class Unavailable(AppError):
    """Something that the request needs is away; the same request may work later."""

    code = "unavailable"
    retry_after = 5
