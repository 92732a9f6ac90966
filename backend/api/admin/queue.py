"""The queue, and how many workers it needs."""

from backend.api.admin import api
from backend.api.admin.schemas.queue import Queue, Scale, ScaleQuery
from backend.contract import Caller
from backend.services.accounts import Account
from backend.services.administration.queue import QueueState
from backend.services.administration.scale import Scale as Prediction
from backend.wiring import services


@api.route("GET", "/queue", caller=Caller.ADMIN, returns=Queue)
def show_queue(admin: Account) -> QueueState:
    """What waits and runs by model, kind and user, and what no worker will take as things are."""
    return services().administration.queue.state()


@api.route("GET", "/scale", caller=Caller.ADMIN, query=ScaleQuery, returns=Scale)
def predict_scale(admin: Account, query: ScaleQuery) -> Prediction:
    """How long the tasks that wait now would wait with so many workers: the queue worked off on paper."""
    return services().administration.scales.predict(query.workers)
