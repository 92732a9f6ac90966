"""Generation tasks: submit, poll, cancel, try again."""

from backend import contract
from backend.api.v1 import api
from backend.api.v1.schemas.generation import (
    GenerationRequest,
    SubmitHeaders,
    Submitted,
    Task,
    TaskQuery,
    Tasks,
    TasksQuery,
)
from backend.contract import Caller
from backend.services.accounts import Account
from backend.services.generation import Generation
from backend.services.orders import Order
from backend.services.tasks import Found
from backend.services.tokens import TokenClaims
from backend.wiring import services
from shared.errors import AccountDisabled, IdempotencyMismatch, NotFound, NotRetryable, QueueFull, QuotaExceeded


@api.route(
    "POST",
    "/generation",
    caller=Caller.USER,
    headers=SubmitHeaders,
    body=GenerationRequest,
    returns=Submitted,
    message="task_created",
    limits=("generate",),
    errors=(IdempotencyMismatch, QueueFull, AccountDisabled, QuotaExceeded),
)
def submit(user: Account, headers: SubmitHeaders, body: GenerationRequest) -> Generation:
    """Queue a generation task."""
    order = Order(
        kind=body.type,
        prompt=body.prompt,
        requested=body.parameters.model_dump(exclude_none=True),
        references=body.references,
    )
    return services().advice.beside(services().generations.submit(user.id, order, headers.idempotency_key))


@api.route(
    "GET",
    "/generation/<task_id>",
    caller=Caller.CLAIMED,
    query=TaskQuery,
    returns=Task,
    revised=True,
    errors=(NotFound,),
)
def show(claims: TokenClaims, query: TaskQuery, task_id: str) -> Generation:
    """How a task stands, and where its results are; with `wait`, once it is other than If-None-Match says."""
    return services().waiting.until_changed(claims, task_id, contract.known_revisions, query.wait)


@api.route("GET", "/generation", caller=Caller.USER, query=TasksQuery, returns=Tasks, revised=True)
def show_all(user: Account, query: TasksQuery) -> Found:
    """How several tasks stand."""
    return services().tasks.look_up(user.id, query.ids)


@api.route("DELETE", "/generation/<task_id>", caller=Caller.USER, returns=Task, errors=(NotFound,))
def cancel(user: Account, task_id: str) -> Generation:
    """Cancel a task: at once while it waits, at its next step while it runs. One that has ended stays as it is."""
    return services().generations.cancel(user.id, task_id)


@api.route(
    "POST",
    "/generation/<task_id>/retry",
    caller=Caller.USER,
    returns=Task,
    message="task_retried",
    errors=(NotFound, NotRetryable, QueueFull, AccountDisabled, QuotaExceeded),
)
def retry(user: Account, task_id: str) -> Generation:
    """Queue a failed or cancelled task again."""
    return services().generations.retry(user.id, task_id)
