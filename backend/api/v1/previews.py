"""What running tasks can show by now."""

from flask import Response
from pydantic import Field

from backend.api.delivery import SignedQuery, show
from backend.api.v1 import api
from backend.contract import Caller
from backend.services.accounts import Account
from backend.wiring import services
from shared.errors import NotFound

WEBP = "image/webp"


class PreviewQuery(SignedQuery):
    p: str | None = Field(None, description="another one for each picture, for browsers to load it; nothing else")


@api.route(
    "GET",
    "/generation/<task_id>/preview",
    caller=Caller.LINK,
    query=PreviewQuery,
    produces=(WEBP,),
    tagged=True,
    errors=(NotFound,),
)
def preview(user: Account | None, query: PreviewQuery, task_id: str) -> Response:
    """A small picture of what a running task will make, as far as that can be told by now: its `preview_url`."""
    return show(services().previews.find(user.id if user else None, task_id), WEBP)
