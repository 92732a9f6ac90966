"""The files that tasks made and users uploaded."""

from flask import Response

from backend.api.delivery import LinkQuery, deliver
from backend.api.v1 import files
from backend.contract import Caller
from backend.services.accounts import Account
from backend.wiring import services
from shared.errors import NotFound, RangeNotSatisfiable
from shared.storage import EXTENSIONS


@files.route(
    "GET",
    "/<name>",
    caller=Caller.LINK,
    query=LinkQuery,
    produces=tuple(EXTENSIONS),
    delivers=True,
    errors=(NotFound, RangeNotSatisfiable),
)
def download(user: Account | None, name: str, query: LinkQuery) -> Response:
    """A file, to its owner or by its signed url. Range and If-None-Match are understood."""
    return deliver(services().files.find(user.id if user else None, name), query.download)
