"""The models that this service offers."""

from backend.api.v1 import api
from backend.api.v1.schemas.models import Models
from backend.contract import Caller
from backend.services.accounts import Account
from backend.services.models import Offer
from backend.wiring import services


@api.route("GET", "/models", caller=Caller.USER, returns=Models)
def models(user: Account) -> list[Offer]:
    """The models, with the limits and defaults of their parameters."""
    return services().models.offers()
