"""What all dialects say alike of an error: its HTTP status, its code, and the fields that it is about."""

from pydantic import BaseModel

from backend.problems import tell
from shared import errors
from shared.errors import AppError

HTTP_STATUS: dict[type[AppError], int] = {
    errors.Invalid: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.MethodNotAllowed: 405,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.UnsupportedMediaType: 415,
    errors.RangeNotSatisfiable: 416,
    errors.TooMany: 429,
    errors.ProviderFailed: 502,
    errors.Unavailable: 503,
    AppError: 500,
}


def http_status(error: type[AppError]) -> int:
    """The standard HTTP status of this sort of error."""
    return next(HTTP_STATUS[ancestor] for ancestor in error.__mro__ if ancestor in HTTP_STATUS)


class Problem(BaseModel):
    """One field and what is wrong with it."""

    field: str
    code: str
    message: str


class ErrorDetail(BaseModel):
    """A stable code, and the fields that it is about."""

    code: str
    fields: list[Problem] = []


def detail(error: AppError) -> ErrorDetail:
    """The error's code and fields, in the request's language."""
    fields = [Problem(field=p.field, code=p.code, message=tell(p)) for p in error.problems]
    return ErrorDetail(code=error.code, fields=fields)
