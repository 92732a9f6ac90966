"""The trash: what was deleted and can come back, and how much a user has."""

from flask import Response

from backend.api.delivery import LinkQuery, deliver
from backend.api.v1 import api
from backend.api.v1.schemas.trash import RestoredItems, RestoreRequest, TrashItem, TrashQuery
from backend.api.v1.schemas.usage import UserUsage
from backend.contract import Caller, Page
from backend.services import quotas
from backend.services.accounts import Account
from backend.wiring import services
from shared.errors import FavoritesFull, NotFound, NothingToRestore, RangeNotSatisfiable


@api.route("GET", "/trash", caller=Caller.USER, query=TrashQuery, returns=TrashItem, paged=True)
def list_trash(user: Account, query: TrashQuery) -> Page:
    """What was deleted and can be restored, the newest deletion first."""
    found = services().trash.page(user.id, query.limit, query.cursor)
    return Page(found.items, found.next_cursor)


@api.route(
    "POST",
    "/trash/restore",
    caller=Caller.USER,
    body=RestoreRequest,
    returns=RestoredItems,
    message="trash_restored",
    errors=(NotFound, NothingToRestore, FavoritesFull),
)
def restore(user: Account, body: RestoreRequest) -> RestoredItems:
    """Have items back, all or none; a favourite whose name is taken by now gets a number."""
    restored = services().trash.restore(user.id, body.ids)
    return RestoredItems.model_validate({"restored": restored}, from_attributes=True)


@api.route("DELETE", "/trash", caller=Caller.USER, message="trash_emptied")
def empty_trash(user: Account) -> None:
    """Remove everything in it for good. It can be seen and restored no more, and no longer counts as used."""
    services().trash.empty(user.id)


@api.route("DELETE", "/trash/<int:item_id>", caller=Caller.USER, message="trash_removed", errors=(NotFound,))
def remove_from_trash(user: Account, item_id: int) -> None:
    """Remove an item for good, with its files."""
    services().trash.remove(user.id, item_id)


@api.route(
    "GET",
    "/trash/thumbnails/<name>",
    caller=Caller.LINK,
    query=LinkQuery,
    produces=("image/webp",),
    delivers=True,
    errors=(NotFound, RangeNotSatisfiable),
)
def trash_thumbnail(user: Account | None, name: str, query: LinkQuery) -> Response:
    """A small picture of a deleted record, to its owner or by the url that the list has."""
    return deliver(services().trash.thumbnail(user.id if user else None, name), query.download)


@api.route("GET", "/user/usage", caller=Caller.USER, returns=UserUsage)
def show_usage(user: Account) -> quotas.UserUsage:
    """How many bytes the caller has and may have, and how many records and favourites."""
    return services().quotas.usage(user.id)
