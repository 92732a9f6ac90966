"""Generation tasks: submit and poll."""

from backend.api.v1 import api
from backend.api.v1.schemas import GenerationRequest, Submitted, Task
from backend.contract import Caller
from backend.services.accounts import Account
from backend.services.generations import Generation, Order
from backend.wiring import services
from shared.errors import NotFound


@api.route(
    "POST",
    "/generation",
    caller=Caller.USER,
    body=GenerationRequest,
    returns=Submitted,
    message="task_created",
)
def submit(user: Account, body: GenerationRequest) -> Generation:
    """Queue a generation task."""
    order = Order(
        kind=body.type,
        prompt=body.prompt,
        requested=body.parameters.model_dump(exclude_none=True),
        references=body.references,
    )
    return services().generations.submit(user.id, order)


@api.route("GET", "/generation/<task_id>", caller=Caller.USER, returns=Task, errors=(NotFound,))
def show(user: Account, task_id: str) -> Generation:
    """How a task stands, and where its results are."""
    return services().generations.find(user.id, task_id)
