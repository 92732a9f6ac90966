"""gin's pictures from texts: made while the client waits, looked up, and kept as favourites."""

from backend.api.root import gin
from backend.api.root.schemas.favorites import Favorite, Favorites
from backend.api.root.schemas.generation import Generated, GenerateRequest, Record
from backend.api.v1.schemas.generation import SubmitHeaders
from backend.api.v1.schemas.history import RecordsQuery
from backend.contract import Caller, Page
from backend.services.accounts import Account
from backend.services.favorite_tree import NodeType
from backend.services.generation import Generation
from backend.services.orders import Order
from backend.wiring import services
from shared.errors import (
    AccountDisabled,
    Forbidden,
    GenerationFailed,
    IdempotencyMismatch,
    NotFound,
    QueueFull,
    QuotaExceeded,
)
from shared.generation import Kind


@gin.route(
    "POST",
    "/auth/generate",
    caller=Caller.USER,
    headers=SubmitHeaders,
    body=GenerateRequest,
    returns=Generated,
    statuses=(200, 202),
    limits=("generate",),
    errors=(IdempotencyMismatch, GenerationFailed, QueueFull, AccountDisabled, QuotaExceeded),
)
def generate(user: Account, headers: SubmitHeaders, body: GenerateRequest) -> Generation:
    """Make a picture and answer when it is there, or after a while with the task's id."""
    order = Order(
        kind=Kind.TEXT_TO_IMAGE, prompt=body.prompt, requested=body.model_dump(exclude={"prompt"}, exclude_none=True)
    )
    task = services().generations.submit(user.id, order, headers.idempotency_key)
    return services().waiting.until_ended(user.id, task.public_id, services().settings.answer_seconds)


@gin.route(
    "GET",
    "/auth/history",
    caller=Caller.USER,
    query=RecordsQuery,
    returns=Record,
    paged=True,
    errors=(Forbidden, NotFound),
)
def history(user: Account, query: RecordsQuery) -> Page:
    """The caller's tasks, or to an administrator another user's, by time, parameters or result."""
    page = services().history.page(user.id, query.asked())
    return Page([Record.of(item, page.account) for item in page.items], page.next_cursor)


@gin.route("GET", "/auth/favorites", caller=Caller.USER, returns=Favorites)
def favorites(user: Account) -> Favorites:
    """The caller's favourite pictures."""
    tree = services().favorites.tree(user.id)
    return Favorites([Favorite.of(node, services().links) for node in tree if node.node_type == NodeType.FILE])
