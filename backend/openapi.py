"""One OpenAPI 3.1 document per contract, read from the contracts its routes were registered with."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from flask import Flask
from pydantic import RootModel
from pydantic.json_schema import models_json_schema
from werkzeug.routing import Rule

from backend.contract import Api, Caller, Contract, headers_of
from backend.reading import MULTIPART, ModelType
from shared import errors
from shared.errors import AppError

REF = "#/components/schemas/{model}"
BINARY = {"type": "string", "format": "binary"}
FILE_FORM = {"type": "object", "required": ["file"], "properties": {"file": BINARY}, "additionalProperties": False}
BEARER = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
SECURITY: dict[Caller, list[dict[str, list[str]]]] = {
    Caller.PUBLIC: [],
    Caller.USER: [{"bearer": []}],
    Caller.CLAIMED: [{"bearer": []}],
    Caller.ADMIN: [{"bearer": []}],
    Caller.SCRAPER: [{"bearer": []}],
    Caller.LINK: [{"bearer": []}, {}],
}
PATH_TYPES = {"IntegerConverter": {"type": "integer", "minimum": 0}}
TOKEN_ERRORS = (errors.TokenMissing, errors.TokenInvalid, errors.TokenExpired, errors.TokenRevoked)
BODY_ERRORS = (errors.Invalid, errors.MalformedBody, errors.UnsupportedMediaType, errors.TooLarge)
TEXT = {"type": "string"}
HEADERS = {
    "ETag": {"required": True, "schema": TEXT, "description": "names what this answer has, for If-None-Match"},
    "Retry-After": {
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
        "description": "seconds until it pays to try again",
    },
    "WWW-Authenticate": {"required": True, "schema": {"const": "Bearer"}},
    "Content-Range": {"required": True, "schema": TEXT, "description": "which bytes of how many"},
    "Location": {"required": True, "schema": TEXT},
}
ASKED = {
    "If-None-Match": "the ETag of what the caller has: the answer is 304 as long as that is all there is",
    "Range": "which part of the file to send, such as `bytes=0-1023`; several parts are answered with the whole file",
}


class Nothing(RootModel[None]):
    """No data comes with this answer."""


def document(app: Flask, apis: Sequence[Api], title: str, version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these APIs as plain data."""
    models = sorted({model for api in apis for model in _models(api)}, key=str)
    refs, definitions = models_json_schema(models, ref_template=REF)
    paths: dict[str, Any] = {}
    for rule in app.url_map.iter_rules():
        for api in apis:
            if contract := api.contracts.get(rule.endpoint):
                method = next(iter((rule.methods or set()) - {"HEAD", "OPTIONS"})).lower()
                paths.setdefault(_path(rule), {})[method] = _operation(app, api, rule, contract, refs)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": {
            "schemas": definitions["$defs"],
            "headers": HEADERS,
            "parameters": {name: _header(name, text) for name, text in ASKED.items()},
            "securitySchemes": BEARER,
        },
    }


def raised(contract: Contract) -> set[type[AppError]]:
    """Every error that a client of this route can meet."""
    found: set[type[AppError]] = {*contract.errors, errors.Unavailable, AppError}
    if contract.caller is not Caller.PUBLIC:
        found |= set(TOKEN_ERRORS)
    if contract.caller is Caller.ADMIN:
        found.add(errors.Forbidden)
    if contract.caller is Caller.LINK:
        found |= {errors.LinkInvalid, errors.LinkExpired}
    if contract.limits:
        found.add(errors.TooMany)
    if contract.query or contract.headers or contract.media_types:
        found.add(errors.Invalid)
    return found | set(BODY_ERRORS) if contract.media_types else found


def _models(api: Api) -> set[tuple[ModelType, Any]]:
    found: set[tuple[ModelType, Any]] = {(api.dialect.failure_model, "serialization")}
    for contract in api.contracts.values():
        found.add((_success(api, contract), "serialization"))
        found |= {(m, "validation") for m in (contract.query, contract.headers, contract.body, contract.form) if m}
    return found


def _success(api: Api, contract: Contract) -> ModelType:
    data = contract.returns or Nothing
    return api.dialect.page_model(data) if contract.paged else api.dialect.success_model(data)


def _path(rule: Rule) -> str:
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)


def _operation(app: Flask, api: Api, rule: Rule, contract: Contract, refs: Any) -> dict[str, Any]:
    view = app.view_functions[rule.endpoint]
    operation = {
        "operationId": rule.endpoint.replace(".", "_"),
        "summary": (view.__doc__ or "").strip().split("\n")[0],
        "tags": [api.blueprint.name],
        "security": SECURITY[contract.caller],
        "parameters": [
            *_path_parameters(rule),
            *_parameters("query", contract.query),
            *_parameters("header", contract.headers),
            *_conditions(contract),
        ],
        "responses": _responses(api, contract, refs),
    }
    if contract.media_types:
        operation["requestBody"] = {"required": True, "content": _content(contract, refs)}
    return operation


def _content(contract: Contract, refs: Any) -> dict[str, Any]:
    model = contract.body or contract.form
    content = {kind: {"schema": refs[model, "validation"] if model else BINARY} for kind in contract.media_types}
    return content | {MULTIPART: {"schema": FILE_FORM}} if contract.file else content


def _path_parameters(rule: Rule) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": PATH_TYPES.get(type(c).__name__, {"type": "string"}),
        }
        for name, c in rule._converters.items()
    ]


def _parameters(place: str, model: ModelType | None) -> list[dict[str, Any]]:
    """Each field of a model of the query or the headers."""
    if not model:
        return []
    schema = model.model_json_schema(ref_template=REF)
    required = schema.get("required", [])
    return [{"name": n, "in": place, "required": n in required, "schema": s} for n, s in schema["properties"].items()]


def _header(name: str, text: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "schema": TEXT, "description": text}


def _conditions(contract: Contract) -> list[dict[str, str]]:
    """The headers of HTTP itself by which a client gets less than everything."""
    asked = {"If-None-Match": contract.has_etag, "Range": contract.delivers}
    return [{"$ref": f"#/components/parameters/{name}"} for name, understood in asked.items() if understood]


def _responses(api: Api, contract: Contract, refs: Any) -> dict[str, Any]:
    """Success and every failure, by the HTTP status that the dialect gives it."""
    schema = refs[_success(api, contract), "serialization"]
    return _successes(contract, schema) | _failures(api, contract, refs[api.dialect.failure_model, "serialization"])


def _successes(contract: Contract, schema: Any) -> dict[str, Any]:
    content = {kind: {"schema": schema if kind == "application/json" else BINARY} for kind in contract.produces}
    tag = ["ETag"] if contract.has_etag else []
    found = {status: _response(HTTPStatus(status).phrase, tag, content) for status in contract.statuses}
    if contract.ends:
        found[204] = _response("No Content: nothing will follow")
    if contract.delivers:
        found[206] = _response("Partial Content: as Range asks", [*tag, "Content-Range"], content)
        found[302] = _response("Found: the file, at the object storage", ["Location"])
    if contract.has_etag:
        found[304] = _response("Not Modified: If-None-Match has the ETag", tag)
    return {str(status): response for status, response in found.items()}


def _failures(api: Api, contract: Contract, schema: Any) -> dict[str, Any]:
    """Each with the headers that come with all of its errors."""
    by_status: dict[int, list[AppError]] = {}
    for error in raised(contract):
        by_status.setdefault(api.dialect.failure(error())[1], []).append(error())
    responses = {}
    for status, found in sorted(by_status.items()):
        codes = ", ".join(sorted(error.code for error in found))
        headers = set.intersection(*({name for name, _ in headers_of(error)} for error in found))
        sent = [*sorted(headers), *(["Content-Range"] if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE else [])]
        content = {"application/json": {"schema": schema}}
        responses[str(status)] = _response(f"{HTTPStatus(status).phrase}: {codes}", sent, content)
    return responses


def _response(text: str, headers: Sequence[str] = (), content: dict[str, Any] | None = None) -> dict[str, Any]:
    sent = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
    return {"description": text, **({"headers": sent} if sent else {}), **({"content": content} if content else {})}
