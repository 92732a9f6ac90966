"""The image contract's envelope: `{status, message, data}`."""

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel

from backend.dialects.errors import ErrorDetail, Problem, detail, http_status
from backend.texts import say
from shared import errors
from shared.errors import AppError

T = TypeVar("T")

# The texts of this contract's own document, where they differ from the others'.
MESSAGES = {
    "account_taken": ("用户名已存在", "This username is taken"),
    "login_failed": ("用户名或密码错误", "Wrong username or password"),
    "token_missing": ("未授权：缺少Token", "Not authorised: no token"),
    "token_invalid": ("未授权：Token无效", "Not authorised: the token is not valid"),
    "token_expired": ("未授权：Token已过期", "Not authorised: the token has expired"),
    "token_revoked": ("未授权：Token已失效", "Not authorised: the token was revoked"),
    "forbidden": ("禁止访问", "Access denied"),
}
NAMES = {"account": "username", "parameters": "params"}  # what this contract calls the others' fields


class StatusEnvelope(BaseModel, Generic[T]):
    """`{status, message, data}`."""

    status: Literal["success"]
    message: str
    data: T


class StatusFailure(BaseModel):
    """The same without data; `error` has a stable code and the fields."""

    status: Literal["error"] = "error"
    message: str
    error: ErrorDetail


class StatusDialect:
    """image: HTTP has the standard status."""

    failure_model: type[BaseModel] = StatusFailure

    def success_model(self, data: type[BaseModel]) -> type[BaseModel]:
        return StatusEnvelope[data]  # type: ignore[valid-type]

    def page_model(self, item: type[BaseModel]) -> type[BaseModel]:
        raise NotImplementedError("this contract's pages are data of their own")

    def success(self, data: Any, message: str, **beside: Any) -> dict[str, Any]:
        return {"status": "success", "message": say(message, MESSAGES), "data": data, **beside}

    def failure(self, error: AppError) -> tuple[dict[str, Any], int]:
        about = detail(error)
        about.fields = [_renamed(problem) for problem in about.fields]
        said = say(_said(error), MESSAGES, error.facts) + "".join(f"; {p.field}: {p.message}" for p in about.fields[:1])
        return StatusFailure(message=said, error=about).model_dump(), http_status(type(error))


def _said(error: AppError) -> str:
    """The code of the text: for a task that failed, why it did."""
    return error.reason if isinstance(error, errors.GenerationFailed) else error.code


def _renamed(problem: Problem) -> Problem:
    first, dot, rest = problem.field.partition(".")
    return problem.model_copy(update={"field": NAMES.get(first, first) + dot + rest})
