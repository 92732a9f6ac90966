"""The pictures that users show of themselves."""

from flask import Response

from backend.api.delivery import FileQuery, deliver
from backend.api.image import api
from backend.contract import Caller
from backend.services.avatars import KEPT
from backend.wiring import services
from shared.errors import NotFound, RangeNotSatisfiable


@api.route(
    "GET",
    "/api/uploads/avatars/<name>",
    caller=Caller.PUBLIC,
    query=FileQuery,
    produces=tuple(KEPT.values()),
    delivers=True,
    errors=(NotFound, RangeNotSatisfiable),
)
def avatar(name: str, query: FileQuery) -> Response:
    """A picture, to everybody. Range and If-None-Match are understood."""
    return deliver(services().avatars.find(name), query.download, scope="public")
