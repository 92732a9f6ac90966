"""No envelope: for whoever runs the service."""

from typing import Any

from pydantic import BaseModel

from backend.dialects.errors import http_status
from backend.texts import say
from shared.errors import AppError


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
        return {"error": say(error.code, facts=error.facts)}, http_status(type(error))
