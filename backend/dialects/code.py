"""v1's envelope: `{code, message, data}`."""

from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel

from backend.dialects.errors import ErrorDetail, detail, http_status
from backend.texts import say
from shared import errors
from shared.errors import AppError

T = TypeVar("T")


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
        about = detail(error)
        said = say(error.code, facts=error.facts) + "".join(f"; {p.field}: {p.message}" for p in about.fields[:1])
        body = CodeFailure(
            code=self.documented_codes.get(type(error), status),
            message=said,
            error=about,
        )
        return body.model_dump(), status
