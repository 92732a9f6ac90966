"""What people may ask of a service that keeps their data: all of it, and that it goes."""

from flask import Response

from backend.api.v1 import api
from backend.api.v1.schemas.account import AccountErasure, Erased
from backend.contract import Caller
from backend.services import erasure
from backend.services.accounts import Account
from backend.wiring import services
from shared.errors import LastAdmin, LoginFailed, TakeoutRunning

ZIP = "application/zip"
HEADERS = {
    "Content-Disposition": 'attachment; filename="darkroom-takeout.zip"',
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # a proxy that collects it first would need room for all of it
}


@api.route("GET", "/user/takeout", caller=Caller.USER, produces=(ZIP,), errors=(TakeoutRunning,))
def take_out(user: Account) -> Response:
    """Everything that the service keeps for the caller, as a zip with a manifest.json; one at a time."""
    taken = services().takeouts.begin(user.id)
    return Response(taken, mimetype=ZIP, headers=HEADERS)


@api.route(
    "DELETE",
    "/user/account",
    caller=Caller.USER,
    body=AccountErasure,
    returns=Erased,
    message="account_erased",
    statuses=(202,),
    limits=("login",),
    errors=(LoginFailed, LastAdmin),
)
def erase_account(user: Account, body: AccountErasure) -> erasure.Erased:
    """Close the account for good: every token ends at once, name and address are free, and workers remove the rest."""
    return services().erasure.leave(user.id, body.password)
