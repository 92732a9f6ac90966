"""What came with the current request, as validated models. Knows no route and no envelope."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from json import dumps
from typing import Any, get_origin

from flask import request
from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import Headers, MultiDict

from shared import errors
from shared.errors import FieldProblem, Invalid

ModelType = type[BaseModel]

JSON = "application/json"
MULTIPART = "multipart/form-data"
HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")  # an escaped surrogate, which is text only with its other half


@dataclass(frozen=True)
class File:
    """A file that came as the body, or as the one file of a form; `media_type` is what its sender says, or empty."""

    data: bytes
    media_type: str


def json_body() -> Any:
    """The body as plain data. Raises MalformedBody also for what the parser takes and nobody can keep."""
    try:
        data = request.get_json()
        if HALF_CHARACTER.search(request.get_data()):
            dumps(data, ensure_ascii=False).encode()
    except (RecursionError, UnicodeEncodeError) as error:
        raise errors.MalformedBody from error
    return data


def query(model: ModelType) -> BaseModel:
    """What stands in the url. Raises Invalid naming each field that is wrong."""
    return validated(model, unpacked(model, request.args)) if request.query_string else _nothing_asked(model)


@cache
def _nothing_asked(model: ModelType) -> BaseModel:
    return validated(model, {})


def validated(model: ModelType, data: Any, *, strict: bool | None = None) -> BaseModel:
    """Raises Invalid naming each field that is wrong. Where all that came is text, not `strict` reads numbers in it."""
    try:
        return model.model_validate(data, strict=strict)
    except ValidationError as error:
        problems = [_problem(detail) for detail in error.errors(include_url=False, include_input=False)]
        raise Invalid(f"{problems[0].field}: {problems[0].code}", problems) from error


def _problem(detail: Mapping[str, Any]) -> FieldProblem:
    facts = {name: fact for name, fact in detail.get("ctx", {}).items() if isinstance(fact, str | int | float)}
    return FieldProblem(".".join(map(str, detail["loc"])) or "body", detail["type"], facts)


def unpacked(model: ModelType, values: MultiDict[str, Any]) -> dict[str, Any]:
    """Lists where the model has one (or a value was repeated), else the single value."""
    lists = {name for name, field in model.model_fields.items() if get_origin(field.annotation) is list}
    return {key: found if key in lists or len(found) > 1 else found[0] for key, found in values.lists()}


def named(model: ModelType, found: Headers) -> dict[str, str]:
    """The headers that the model has, by their names there."""
    names = [field.alias or name for name, field in model.model_fields.items()]
    return {name: found[name] for name in names if name in found}


def file(media_types: tuple[str, ...]) -> File:
    """Raises Invalid for no file, an empty one, or several, UnsupportedMediaType for a part of another type."""
    received = _part() if request.mimetype == MULTIPART else File(request.get_data(), request.mimetype)
    if received.media_type and received.media_type not in media_types:
        raise errors.UnsupportedMediaType(f"send {' or '.join(media_types)}")
    if not received.data:
        raise Invalid.of("file", "file_missing")
    return received


def _part() -> File:
    found = [part for _, part in request.files.items(multi=True)]
    if len(found) > 1:
        raise Invalid.of("file", "file_ambiguous")
    if not found:
        raise Invalid.of("file", "file_missing")
    return File(found[0].read(), found[0].mimetype)
