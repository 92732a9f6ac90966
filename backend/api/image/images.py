"""Pictures: making one, the history of all, and their files."""

from flask import Response

from backend.api.delivery import LinkQuery, deliver
from backend.api.image import api
from backend.api.image.schemas.images import FILES_URL, Generated, ImageRequest, Records, RecordsQuery
from backend.contract import Caller
from backend.services.accounts import Account
from backend.services.generation import Generation
from backend.wiring import services
from shared.errors import (
    AccountDisabled,
    Forbidden,
    GenerationFailed,
    NotFound,
    QueueFull,
    QuotaExceeded,
    RangeNotSatisfiable,
)
from shared.storage import EXTENSIONS


@api.route(
    "GET",
    "/api/v1/images/history",
    caller=Caller.USER,
    query=RecordsQuery,
    returns=Records,
    errors=(Forbidden, NotFound),
)
def history(user: Account, query: RecordsQuery) -> Records:
    """The user's tasks, the newest first, a page at a time."""
    asked = query.asked()
    page = services().history.page(user.id, asked)
    return Records.of(page, services().history.count(user.id, asked), asked)


@api.route(
    "POST",
    "/api/v1/images/generate-test",
    caller=Caller.USER,
    body=ImageRequest,
    returns=Generated,
    message="picture_made",
    statuses=(200, 202),
    limits=("generate",),
    errors=(GenerationFailed, QueueFull, AccountDisabled, QuotaExceeded),
)
def generate(user: Account, body: ImageRequest) -> Generation:
    """Make a picture; 202 where it is not there in time, and goes on being made."""
    task = services().generations.submit(user.id, body.order)
    return services().waiting.until_ended(user.id, task.public_id, services().settings.answer_seconds)


@api.route(
    "GET",
    f"{FILES_URL}/<int(max={2**63 - 1}):user_id>/<name>",
    caller=Caller.LINK,
    query=LinkQuery,
    produces=tuple(EXTENSIONS),
    delivers=True,
    errors=(Forbidden, NotFound, RangeNotSatisfiable),
)
def download(user: Account | None, user_id: int, name: str, query: LinkQuery) -> Response:
    """A file, to its owner or by its signed url. Range and If-None-Match are understood."""
    return deliver(services().files.find_of(user.id if user else None, user_id, name), query.download)
