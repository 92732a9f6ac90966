"""The contracts' envelopes. Each says how success and failure are written, nothing more."""

from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel

from backend.problems import tell
from backend.texts import say
from shared import errors
from shared.errors import AppError

T = TypeVar("T")

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


class CodeEnvelope(BaseModel, Generic[T]):
    """v1's `{code, message, data}`."""

    code: int
    message: str
    data: T


class CodePage(CodeEnvelope[list[T]], Generic[T]):
    """The same for a page; `next_cursor` leads to the rest."""

    next_cursor: str | None


class CodeFailure(BaseModel):
    """v1's failure: the same, with `error` beside it."""

    code: int
    message: str
    data: None = None
    error: ErrorDetail


class CodeDialect:
    """v1: `code` is what the document says; HTTP has the standard status."""

    failure_model: type[BaseModel] = CodeFailure
    documented_codes: ClassVar[dict[type[AppError], int]] = {
        errors.AccountTaken: 401,
        errors.EmailTaken: 402,
        errors.WrongPassword: 401,
        errors.CodeWrong: 401,
        errors.EmailUnknown: 401,
        errors.NewEmailTaken: 401,
    }

    def success_model(self, data: type[BaseModel]) -> type[BaseModel]:
        return CodeEnvelope[data]  # type: ignore[valid-type]

    def page_model(self, item: type[BaseModel]) -> type[BaseModel]:
        return CodePage[item]  # type: ignore[valid-type]

    def success(self, data: Any, message: str, **beside: Any) -> dict[str, Any]:
        return {"code": 200, "message": say(message), "data": data, **beside}

    def failure(self, error: AppError) -> tuple[dict[str, Any], int]:
        status = http_status(type(error))
        fields = [Problem(field=p.field, code=p.code, message=tell(p)) for p in error.problems]
        said = say(error.code) + "".join(f"; {p.field}: {p.message}" for p in fields[:1])
        body = CodeFailure(
            code=self.documented_codes.get(type(error), status),
            message=said,
            error=ErrorDetail(code=error.code, fields=fields),
        )
        return body.model_dump(), status


class BareError(BaseModel):
    """Just the error's text."""

    error: str


class BareDialect:
    """The result's own fields at the top level; `{error}` on failure."""

    failure_model: type[BaseModel] = BareError

    def success_model(self, data: type[BaseModel]) -> type[BaseModel]:
        return data

    def page_model(self, item: type[BaseModel]) -> type[BaseModel]:
        raise NotImplementedError("this dialect has no pages")

    def success(self, data: Any, message: str, **beside: Any) -> Any:
        return data

    def failure(self, error: AppError) -> tuple[dict[str, Any], int]:
        return {"error": say(error.code)}, http_status(type(error))
