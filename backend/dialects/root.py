"""The envelopes of the contracts at the root, which share paths: `{code, msg, data, error}` and `{message}`, `{error}`.

What both clients may get holds the keys of both, so that each finds its own.
"""

from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from backend.dialects.errors import Problem, detail, http_status
from backend.texts import TEXTS, say
from shared import errors
from shared.errors import AppError

T = TypeVar("T")

# The texts of these contracts' own documents, where they differ from the others'.
MESSAGES = {
    "token_missing": ("请求头中缺少Token", "The header has no token"),
    "token_invalid": ("无效的Token", "The token is not valid"),
    "token_revoked": ("无效的Token", "The token is not valid"),
    "token_expired": ("Token已过期", "The token has expired"),
    "invalid_request": ("请求数据格式错误", "The request is not valid"),
    "account_unknown": ("用户不存在", "There is no such account"),
    "password_wrong": ("密码错误", "The password is wrong"),
}
NAMES = {"account": "username"}  # what these contracts call the others' fields; parameters stand at the top
STILL_RUNNING = {"task_queued", "task_processing"}  # the messages of what is not there yet, HTTP 202
ENGLISH: dict[type[AppError], str] = {
    errors.CaptchaWrong: "Invalid captcha",
    errors.Invalid: "Invalid request",
    errors.UnsupportedMediaType: "Invalid request",
    errors.LoginFailed: "Invalid username or password",
    errors.AccountTaken: "Username already exists",
    errors.EmailTaken: "Email already exists",
}


class GinEnvelope(BaseModel, Generic[T]):
    """`{code, msg, data}`."""

    code: int
    msg: str
    data: T


class LoginEnvelope(GinEnvelope[T], Generic[T]):
    """The same with the keys that captcha's clients look for."""

    message: str
    session_token: str


class GinFailure(BaseModel):
    """`error` is English, as captcha's clients expect it; `reason` is a stable code."""

    code: int
    msg: str
    data: None = None
    error: str
    reason: str
    fields: list[Problem] = []


class GinDialect:
    """gin and user: HTTP has the status that `code` says."""

    failure_model: type[BaseModel] = GinFailure

    def success_model(self, data: type[BaseModel]) -> type[BaseModel]:
        return GinEnvelope[data]  # type: ignore[valid-type]

    def page_model(self, item: type[BaseModel]) -> type[BaseModel]:
        return GinPage[item]  # type: ignore[valid-type]

    def success(self, data: Any, message: str, **beside: Any) -> dict[str, Any]:
        return {"code": 202 if message in STILL_RUNNING else 200, "msg": say(message, MESSAGES), "data": data, **beside}

    def failure(self, error: AppError) -> tuple[dict[str, Any], int]:
        status = http_status(type(error))
        body = GinFailure(
            code=status,
            msg=say(_said(error), MESSAGES, error.facts),
            error=_english(error),
            reason=error.code,
            fields=[_renamed(problem) for problem in detail(error).fields],
        )
        return body.model_dump(), status


class GinPage(GinEnvelope[list[T]], Generic[T]):
    """The same for a page; `next_cursor` leads to the rest."""

    next_cursor: str | None


class LoginDialect(GinDialect):
    """What `/login` says to gin's, user's and captcha's clients; its data have the `token`."""

    def success_model(self, data: type[BaseModel]) -> type[BaseModel]:
        return LoginEnvelope[data]  # type: ignore[valid-type]

    def success(self, data: Any, message: str, **beside: Any) -> dict[str, Any]:
        session = {"message": "Login successful", "session_token": data["token"]}
        return {**super().success(data, message, **beside), **session}


class CaptchaFailure(BaseModel):
    """Just the error's text, in English."""

    error: str


class CaptchaDialect:
    """captcha: the result's own fields at the top level; `{error}` on failure."""

    failure_model: type[BaseModel] = CaptchaFailure

    def success_model(self, data: type[BaseModel]) -> type[BaseModel]:
        return data

    def page_model(self, item: type[BaseModel]) -> type[BaseModel]:
        raise NotImplementedError("this contract has no pages")

    def success(self, data: Any, message: str, **beside: Any) -> Any:
        return data

    def failure(self, error: AppError) -> tuple[dict[str, Any], int]:
        return {"error": _english(error)}, http_status(type(error))


def _said(error: AppError) -> str:
    """The code of the text: these contracts say which half of a login was wrong."""
    if isinstance(error, errors.LoginFailed):
        return "password_wrong" if error.account_known else "account_unknown"
    if isinstance(error, errors.GenerationFailed):
        return error.reason
    return error.said or error.code


def _renamed(problem: Problem) -> Problem:
    field = problem.field.removeprefix("parameters.")
    return problem.model_copy(update={"field": NAMES.get(field, field)})


def _english(error: AppError) -> str:
    if error.said:
        return TEXTS[error.said][1]
    known = (ENGLISH[ancestor] for ancestor in type(error).__mro__ if ancestor in ENGLISH)
    return next(known, TEXTS[error.code][1]).format_map(error.facts)
