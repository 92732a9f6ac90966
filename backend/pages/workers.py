"""Workers."""

from typing import Any

from flask import g
from werkzeug.wrappers import Response

from backend.pages.drawing import acts, done, shows
from backend.wiring import services


@shows("/workers", "workers")
def workers() -> dict[str, Any]:
    """What they are at."""
    return {"workers": services().administration.fleet.all()}


@acts("/workers/<name>/drain")
def drain(name: str) -> Response:
    """One takes no more tasks."""
    services().administration.fleet.drain(g.admin, name)
    return done("draining", "workers")


@acts("/workers/<name>/resume")
def resume(name: str) -> Response:
    """One takes tasks again."""
    services().administration.fleet.resume(g.admin, name)
    return done("resumed", "workers")
