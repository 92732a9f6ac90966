"""Routes that validate what comes in, shape what goes out, and can be documented.

A view gets validated pydantic models and returns plain data; its Api writes that data, or the AppError it raised, in
the Api's dialect. Knows no envelope, no rule and no language.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import wraps
from typing import Any, Protocol, get_origin

from flask import Blueprint, Flask, Response, jsonify, request
from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException

from backend import auth
from shared import errors
from shared.errors import AppError, FieldProblem, Invalid

ModelType = type[BaseModel]
View = Callable[..., Any]
Reply = tuple[Response, int, list[tuple[str, str]]]

HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")  # an escaped surrogate, which is text only with its other half
OF_HTTP: dict[int, type[AppError]] = {
    400: errors.MalformedBody,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    413: errors.TooLarge,
    415: errors.UnsupportedMediaType,
    503: errors.Unavailable,
}


class Caller(Enum):
    """Who may call a route. Every route says it; there is no default."""

    PUBLIC = "public"
    USER = "user"


class Dialect(Protocol):
    """How one documented contract writes success and failure."""

    failure_model: ModelType

    def success_model(self, data: ModelType) -> ModelType: ...
    def success(self, data: Any, message: str) -> Any: ...
    def failure(self, error: AppError) -> tuple[Any, int]: ...


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What one route accepts and returns. `message` is the code of the text that goes with success."""

    caller: Caller
    returns: ModelType | None = None
    produces: tuple[str, ...] = ("application/json",)
    message: str = "ok"
    query: ModelType | None = None
    body: ModelType | None = None
    form: ModelType | None = None
    raw: tuple[str, ...] = ()
    errors: tuple[type[AppError], ...] = ()

    @property
    def media_types(self) -> tuple[str, ...]:
        if self.body:
            return ("application/json",)
        return ("multipart/form-data",) if self.form else self.raw

    def parse(self) -> dict[str, Any]:
        """The current request as the view's keyword arguments. Raises AppError."""
        arguments: dict[str, Any] = {"user": auth.authenticate()} if self.caller is Caller.USER else {}
        if self.media_types and request.mimetype not in self.media_types:
            raise errors.UnsupportedMediaType(f"send {' or '.join(self.media_types)}")
        if self.query:
            arguments["query"] = _validated(self.query, _unpacked(self.query, request.args))
        if self.body:
            arguments["body"] = _validated(self.body, _json())
        if self.form:
            fields = MultiDict([*request.form.items(multi=True), *request.files.items(multi=True)])
            arguments["form"] = _validated(self.form, _unpacked(self.form, fields))
        if self.raw:
            arguments["raw"] = request.get_data()
        return arguments


class Api:
    """A blueprint that speaks one dialect."""

    def __init__(self, blueprint: Blueprint, dialect: Dialect) -> None:
        self.blueprint = blueprint
        self.dialect = dialect
        self.contracts: dict[str, Contract] = {}
        blueprint.register_error_handler(AppError, self.fail)
        blueprint.register_error_handler(HTTPException, self.fail_http)

    def route(self, method: str, rule: str, **contract: Any) -> Callable[[View], View]:
        """Register a view under its contract; the keywords are Contract's."""
        terms = Contract(**contract)

        def register(view: View) -> View:
            @wraps(view)
            def endpoint(**path: Any) -> Response:
                return self._succeed(terms, view(**path, **terms.parse()))

            self.contracts[f"{self.blueprint.name}.{view.__name__}"] = terms
            self.blueprint.add_url_rule(rule, view_func=endpoint, methods=[method])
            return view

        return register

    def fail(self, error: AppError) -> Reply:
        """The error in this dialect."""
        body, status = self.dialect.failure(error)
        headers = [("Retry-After", str(error.retry_after))] if error.retry_after else []
        if isinstance(error, errors.Unauthenticated):
            headers.append(("WWW-Authenticate", "Bearer"))
        return jsonify(body), status, headers

    def fail_http(self, error: HTTPException) -> Reply:
        """Werkzeug's own errors (malformed JSON, 404, 405, 413, 500) in this dialect."""
        kept = [(name, value) for name, value in error.get_headers() if name in {"Allow", "Retry-After"}]
        response, status, headers = self.fail(OF_HTTP.get(error.code or 500, AppError)(error.name))
        return response, status, [*headers, *kept]

    def _succeed(self, terms: Contract, result: Any) -> Response:
        if terms.returns is None or isinstance(result, Response):
            return result if isinstance(result, Response) else jsonify(self.dialect.success(None, terms.message))
        data = terms.returns.model_validate(result, from_attributes=True)
        message = getattr(data, "message_code", terms.message)
        return jsonify(self.dialect.success(data.model_dump(mode="json"), message))


def register(app: Flask, *apis: Api) -> None:
    """Mount the APIs; no blueprint owns an unmatched url, so its prefix picks the dialect."""
    for api in apis:
        app.register_blueprint(api.blueprint)
    app.extensions["apis"] = apis
    app.register_error_handler(HTTPException, lambda error: owner(app).fail_http(error))


def owner(app: Flask) -> Api:
    """The API that the current request's path belongs to: the longest prefix, else the first API."""
    apis: tuple[Api, ...] = app.extensions["apis"]
    prefixed = [api for api in apis if api.blueprint.url_prefix and request.path.startswith(api.blueprint.url_prefix)]
    return max(prefixed or apis[:1], key=lambda api: len(api.blueprint.url_prefix or ""))


def _json() -> Any:
    """The body as plain data. Raises MalformedBody also for what the parser takes and nobody can keep."""
    try:
        data = request.get_json()
        if HALF_CHARACTER.search(request.get_data()):
            json.dumps(data, ensure_ascii=False).encode()
    except (RecursionError, UnicodeEncodeError) as error:
        raise errors.MalformedBody from error
    return data


def _validated(model: ModelType, data: Any) -> BaseModel:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False, include_input=False)
        problems = [FieldProblem(".".join(map(str, d["loc"])) or "body", d["type"], d["msg"]) for d in details]
        raise Invalid(f"{problems[0].field}: {problems[0].message}", problems) from error


def _unpacked(model: ModelType, values: MultiDict[str, Any]) -> dict[str, Any]:
    """Lists where the model has one (or a value was repeated), else the single value."""
    lists = {name for name, field in model.model_fields.items() if get_origin(field.annotation) is list}
    return {key: found if key in lists or len(found) > 1 else found[0] for key, found in values.lists()}
