"""Server-sent events: tasks as they change, as `text/event-stream`.

A stream goes on after `Last-Event-ID`, whichever process the client reaches: the ids are made of what the row says.
"""

import json
from collections.abc import Iterator
from itertools import chain

import structlog
from flask import Response, stream_with_context
from sqlalchemy.exc import DBAPIError, TimeoutError

from backend.api.v1 import api
from backend.api.v1.schemas.generation import EventHeaders, Task
from backend.contract import Caller
from backend.services.accounts import Account
from backend.services.waiting import Event
from backend.wiring import services
from shared.errors import NotFound

log = structlog.get_logger(__name__)

EVENT_STREAM = ("text/event-stream",)
RETRY_MS = 3000


@api.route(
    "GET",
    "/generation/<task_id>/events",
    caller=Caller.USER,
    headers=EventHeaders,
    produces=EVENT_STREAM,
    ends=True,
    errors=(NotFound,),
)
def follow(user: Account, headers: EventHeaders, task_id: str) -> Response:
    """A task's changes as they happen, until it has ended; 204 when it had ended by Last-Event-ID."""
    return _stream(services().waiting.task_events(user.id, task_id, headers.last_event_id))


@api.route("GET", "/user/events", caller=Caller.USER, headers=EventHeaders, produces=EVENT_STREAM)
def follow_all(user: Account, headers: EventHeaders) -> Response:
    """The changes of all of the caller's tasks as they happen."""
    return _stream(services().waiting.user_events(user.id, headers.last_event_id))


def _stream(events: Iterator[Event]) -> Response:
    """The first event is looked for before the answer begins, so that an error still has a status."""
    first = next(events, None)
    if first is None:
        return Response(status=204)
    written = stream_with_context(_written(chain([first], events)))
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return Response(written, mimetype=EVENT_STREAM[0], headers=headers)


def _written(events: Iterator[Event]) -> Iterator[str]:
    yield f"retry: {RETRY_MS}\n\n"
    try:
        yield from map(_text, events)
    except (DBAPIError, TimeoutError, NotFound) as error:  # the client comes again and is told what is the matter
        log.info("stream_ended", error=type(error).__name__)


def _text(event: Event) -> str:
    if event.task is None:
        return ": still here\n\n"
    task = Task.model_validate(event.task, from_attributes=True).model_dump(mode="json")
    return f"id: {event.id}\nevent: task\ndata: {json.dumps(task, ensure_ascii=False)}\n\n"
