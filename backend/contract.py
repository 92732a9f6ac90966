"""Routes that validate what comes in, shape what goes out, and can be documented.

A view gets validated pydantic models and returns plain data; its Api writes that data, or the AppError it raised, in
the Api's dialect. Knows no envelope, no rule and no language.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import wraps
from typing import Any, Protocol

from flask import Blueprint, Flask, Response, jsonify, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException

from backend import auth, limiting, reading
from backend.reading import JSON, MULTIPART, ModelType
from backend.texts import language
from shared import errors
from shared.errors import AppError

View = Callable[..., Any]
Reply = tuple[Response, int, list[tuple[str, str]]]

OF_HTTP: dict[int, type[AppError]] = {
    400: errors.MalformedBody,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    413: errors.TooLarge,
    415: errors.UnsupportedMediaType,
    416: errors.RangeNotSatisfiable,
    503: errors.Unavailable,
}
FAULTS = {AppError, errors.Unavailable}
KEPT = {"Allow", "Retry-After", "Content-Range"}


class Caller(Enum):
    """Who may call a route. Every route says it; there is no default."""

    PUBLIC = "public"
    USER = "user"
    CLAIMED = "claimed"  # a user, as far as the token says: the service asks whether it counts, in one go with its own
    ADMIN = "admin"  # a user whose role says so
    SCRAPER = "scraper"  # Prometheus, by a token of its own
    LINK = "link"  # a user, or whoever has the signed form of the url


class Dialect(Protocol):
    """How one documented contract writes success and failure."""

    failure_model: ModelType

    def success_model(self, data: ModelType) -> ModelType: ...
    def page_model(self, item: ModelType) -> ModelType: ...
    def success(self, data: Any, message: str, **beside: Any) -> Any: ...
    def failure(self, error: AppError) -> tuple[Any, int]: ...


@dataclass(frozen=True)
class Page:
    """Some of a list's items; `next_cursor` leads to the rest, None at the end."""

    items: Sequence[Any]
    next_cursor: str | None


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What one route accepts and returns.

    `message` is the code of the text that goes with success, `file` the media types of an uploaded file. A `paged` view
    returns a Page of `returns`; a `revised` one something with a `revision`, which becomes the ETag; a `tagged` one has
    seen to its ETag itself. Where success has several `statuses`, the `http_status` of `returns` says which. One that
    `delivers` sends a file, a part of it, or the client to where else it is; one that `ends` may have nothing to send.
    `limits` are names of backend.limiting; `fault` is the code of the text that the document has for what is nobody's
    mistake.
    """

    caller: Caller
    returns: ModelType | None = None
    produces: tuple[str, ...] = ("application/json",)
    message: str = "ok"
    query: ModelType | None = None
    headers: ModelType | None = None
    body: ModelType | None = None
    form: ModelType | None = None
    file: tuple[str, ...] = ()
    max_bytes: int | None = None
    paged: bool = False
    revised: bool = False
    tagged: bool = False
    statuses: tuple[int, ...] = (200,)
    delivers: bool = False
    ends: bool = False
    limits: tuple[str, ...] = ()
    fault: str = ""
    errors: tuple[type[AppError], ...] = ()

    @property
    def media_types(self) -> tuple[str, ...]:
        if self.body:
            return (JSON,)
        return (*self.file, *((MULTIPART,) if self.form or self.file else ()))

    @property
    def has_etag(self) -> bool:
        return self.revised or self.tagged or self.delivers

    def parse(self) -> dict[str, Any]:
        """The current request as the view's keyword arguments. Raises AppError."""
        arguments: dict[str, Any] = CALLERS[self.caller]()
        if self.limits:
            limiting.check(self.limits, arguments.get("user"))
        if self.max_bytes:
            request.max_content_length = self.max_bytes
        if self.media_types and request.mimetype not in self.media_types:
            raise errors.UnsupportedMediaType(f"send {' or '.join(self.media_types)}")
        if self.query:
            arguments["query"] = reading.query(self.query)
        if self.headers:
            arguments["headers"] = reading.validated(self.headers, reading.named(self.headers, request.headers))
        if self.body:
            arguments["body"] = reading.validated(self.body, reading.json_body())
        if self.form:
            fields = MultiDict([*request.form.items(multi=True), *request.files.items(multi=True)])
            arguments["form"] = reading.validated(self.form, reading.unpacked(self.form, fields))
        if self.file:
            arguments["file"] = reading.file(self.file)
        return arguments


class Api:
    """A blueprint that speaks one dialect."""

    def __init__(self, blueprint: Blueprint, dialect: Dialect, prefixes: tuple[str, ...] = ()) -> None:
        """`prefixes` are the beginnings of the paths that are its own, where its blueprint's does not say it."""
        self.blueprint = blueprint
        self.dialect = dialect
        self.prefixes = prefixes or tuple(filter(None, [blueprint.url_prefix]))
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
        terms = self.contracts.get(request.endpoint or "")
        if terms and type(error) in FAULTS:
            error.said = terms.fault
        body, status = self.dialect.failure(error)
        return jsonify(body), status, headers_of(error)

    def fail_http(self, error: HTTPException) -> Reply:
        """Werkzeug's own errors (malformed JSON, 404, 405, 413, 500) in this dialect."""
        kept = [(name, value) for name, value in error.get_headers() if name in KEPT]
        response, status, headers = self.fail(OF_HTTP.get(error.code or 500, AppError)(error.name))
        return response, status, [*headers, *kept]

    def _succeed(self, terms: Contract, result: Any) -> Response:
        if isinstance(result, Response):
            return result
        if terms.revised:
            tag = _tag(result.revision)
            known = request.if_none_match.contains_weak(tag)
            return _tagged(Response(status=304) if known else self._written(terms, result), tag)
        return self._written(terms, result)

    def _written(self, terms: Contract, result: Any) -> Response:
        if terms.returns is None:
            return jsonify(self.dialect.success(None, terms.message))
        if terms.paged:
            items = [terms.returns.model_validate(item, from_attributes=True) for item in result.items]
            written = [item.model_dump(mode="json", by_alias=True) for item in items]
            return jsonify(self.dialect.success(written, terms.message, next_cursor=result.next_cursor))
        data = terms.returns.model_validate(result, from_attributes=True)
        message = getattr(data, "message_code", terms.message)
        response = jsonify(self.dialect.success(data.model_dump(mode="json", by_alias=True), message))
        response.status_code = getattr(data, "http_status", terms.statuses[0])
        return response


def register(app: Flask, *apis: Api) -> None:
    """Mount the APIs; no blueprint owns an unmatched url, so its prefix picks the dialect."""
    for api in apis:
        app.register_blueprint(api.blueprint)
    app.extensions["apis"] = apis
    app.register_error_handler(HTTPException, lambda error: owner(app).fail_http(error))


def owner(app: Flask) -> Api:
    """The API that the current request's path belongs to: the longest prefix, else the first API."""
    apis: tuple[Api, ...] = app.extensions["apis"]
    owned = {prefix: api for api in apis for prefix in api.prefixes if f"{request.path}/".startswith(f"{prefix}/")}
    return owned[max(owned, key=len)] if owned else apis[0]


def headers_of(error: AppError) -> list[tuple[str, str]]:
    """What goes with an error in every dialect."""
    later = [("Retry-After", str(error.retry_after))] if error.retry_after else []
    return [*later, *([("WWW-Authenticate", "Bearer")] if isinstance(error, errors.Unauthenticated) else [])]


def known_revisions() -> set[str]:
    """The revisions that the caller has already (If-None-Match), in the language that they would get."""
    suffix = _tag("")
    tags = request.if_none_match.as_set(include_weak=True)
    return {tag.removesuffix(suffix) for tag in tags if tag and tag.endswith(suffix)}  # None stands for what is no tag


def _tag(revision: str) -> str:
    """The ETag of what a revision looks like in the caller's language."""
    return f"{revision}-{language()}"


def _tagged(response: Response, tag: str) -> Response:
    response.set_etag(tag, weak=True)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Authorization, Accept-Language"
    return response


def _as_scraper() -> dict[str, Any]:
    auth.authenticate_scraper()
    return {}


CALLERS: dict[Caller, Callable[[], dict[str, Any]]] = {
    Caller.PUBLIC: dict,
    Caller.USER: lambda: {"user": auth.authenticate()},
    Caller.CLAIMED: lambda: {"claims": auth.claimed()},
    Caller.ADMIN: lambda: {"admin": auth.authenticate_admin()},
    Caller.SCRAPER: _as_scraper,
    Caller.LINK: lambda: {"user": auth.authenticate_or_follow_link()},
}
