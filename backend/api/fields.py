"""The types of fields that several contracts take or give."""

import unicodedata
from datetime import UTC, datetime
from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StrictFloat,
    StrictInt,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from shared.clock import isoformat
from shared.generation import SEED_LIMIT

UNSEEN = {"Cc", "Zl", "Zp"}  # Unicode's control characters, line and paragraph separators


def _digits(value: object) -> object:
    """gin's clients send the seed as a string of digits."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20 else value


def _text(value: str) -> str:
    if not value.strip():
        raise PydanticCustomError("blank", "must have text in it")
    return value


def _no_nul(value: str) -> str:
    if "\0" in value:
        raise PydanticCustomError("nul", "must not contain NUL")
    return value


def _name(value: str) -> str:
    if value != value.strip() or "/" in value or any(unicodedata.category(c) in UNSEEN for c in value):
        raise PydanticCustomError("bad_name", "must be a name")
    return value


def _email(value: str) -> str:
    try:
        return validate_email(value, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise PydanticCustomError("bad_email", "is not a valid e-mail address") from error


def _moment(value: str) -> datetime:
    """ISO 8601; a time without a zone is UTC. A repeated parameter comes as a list, which is no time either."""
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise PydanticCustomError("bad_moment", "must be an ISO 8601 time") from error


UtcText = Annotated[
    datetime,
    PlainSerializer(isoformat, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
AskedMoment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "description": "ISO 8601; UTC without a zone"}),
]
AccountName = Annotated[str, Field(min_length=3, max_length=64)]
Password = Annotated[str, Field(min_length=6, max_length=128)]
Email = Annotated[str, Field(max_length=254, json_schema_extra={"format": "email"}), AfterValidator(_email)]
NO_NUL = AfterValidator(_no_nul)  # after a Field: what stands before it counts characters, what follows counts items
NAMED = AfterValidator(_name)
Prompt = Annotated[str, Field(min_length=1), NO_NUL, AfterValidator(_text)]
Seed = Annotated[
    StrictInt,
    Field(ge=0, lt=SEED_LIMIT),
    BeforeValidator(_digits, json_schema_input_type=int | Annotated[str, Field(pattern=r"^[0-9]{1,19}$")]),
]
Number = StrictInt | StrictFloat


class Received(BaseModel):
    """A request body: what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Asked(BaseModel):
    """A query: the same, but everything in it is text at first."""

    model_config = ConfigDict(extra="forbid")
