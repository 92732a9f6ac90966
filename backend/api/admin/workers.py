"""Workers: what they are at, and that one is to take no more tasks."""

from backend.api.admin import api
from backend.api.admin.schemas.workers import Meant, Workers
from backend.contract import Caller
from backend.services.accounts import Account
from backend.wiring import services
from shared.errors import NotFound
from shared.workers import Seen


@api.route("GET", "/workers", caller=Caller.ADMIN, returns=Workers)
def list_workers(admin: Account) -> list[Seen]:
    """All workers that live, or did within the last hour."""
    return services().administration.fleet.all()


@api.route("POST", "/workers/<name>/drain", caller=Caller.ADMIN, returns=Meant, errors=(NotFound,))
def drain_workers(admin: Account, name: str) -> Meant:
    """The workers of this id, node or host finish what they have and take no more."""
    return Meant(workers=services().administration.fleet.drain(admin, name))


@api.route("POST", "/workers/<name>/resume", caller=Caller.ADMIN, returns=Meant, errors=(NotFound,))
def resume_workers(admin: Account, name: str) -> Meant:
    """They take tasks again."""
    return Meant(workers=services().administration.fleet.resume(admin, name))
