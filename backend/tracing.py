"""Each request's id: taken from who stands before the service, or made; in the answer and in every line of the log.

A task keeps the id of the request that queued it, so that workers' lines lead back to it.
"""

import os
import re

from flask import Flask, Response, g, request
from structlog.contextvars import bind_contextvars, clear_contextvars

HEADER = "X-Request-ID"
NAME = re.compile(r"[A-Za-z0-9._:+/=-]{1,64}")  # nothing that could end a line, or pretend to be another field


def init_app(app: Flask) -> None:
    """Name every request from now on."""
    app.before_request(_begin)
    app.after_request(_tell)
    app.teardown_request(_end)


def request_id() -> str:
    """The current request's; empty for who uses the services without one."""
    return str(g.get("request_id", ""))


def _begin() -> None:
    given = request.headers.get(HEADER, "")
    g.request_id = given if NAME.fullmatch(given) else os.urandom(16).hex()
    clear_contextvars()  # gunicorn's threads serve one request after the other
    bind_contextvars(request_id=g.request_id)
    task_id = (request.view_args or {}).get("task_id", "")
    if NAME.fullmatch(task_id):
        bind_contextvars(task_id=task_id)


def _tell(response: Response) -> Response:
    if name := request_id():
        response.headers[HEADER] = name
    return response


def _end(_: BaseException | None) -> None:
    clear_contextvars()
