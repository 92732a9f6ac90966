"""Where a page of a list ended, as a text that means nothing to anybody else."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.errors import Invalid

MAX_LENGTH = 2048
MAX_NUMBER = 2**63 - 1
MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Value = str | int | bool | None


@dataclass(frozen=True)
class Position:
    """A row's place in a list that is sorted by `value`, then by time, then by id."""

    value: Value
    created_at: datetime
    id: int


def encode(position: Position, scope: str) -> str:
    """The cursor of a position; `scope` says of which list."""
    micros = (position.created_at - EPOCH) // MICROSECOND
    text = json.dumps([scope, position.value, micros, position.id], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str, scope: str, value_type: type) -> Position:
    """The position in the list of this scope, whose values are of this type. Raises Invalid for anything else."""
    try:
        found_scope, value, micros, id = json.loads(_decoded(cursor))
        if found_scope != scope or not _fits(value, value_type) or not _fits(id, int):
            raise ValueError("not a position of this list")
        return Position(value, EPOCH + micros * MICROSECOND, id)
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error) as error:
        raise Invalid.of("cursor", "bad_cursor") from error


def _decoded(cursor: str) -> str:
    if len(cursor) > MAX_LENGTH:
        raise ValueError("longer than any cursor")
    return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()


def _fits(value: Any, expected: type) -> bool:
    """Whether a database can be asked for it: a number it knows, a text that can be written."""
    if type(value) is not expected:
        return False
    if isinstance(value, str):
        value.encode()
    return not isinstance(value, int) or 0 <= value <= MAX_NUMBER
