"""The service itself: its models, what it keeps, and what administrators have done."""

from backend.api.admin import api
from backend.api.admin.schemas.service import EntriesQuery, Entry, Models, Storage
from backend.contract import Caller, Page
from backend.services.accounts import Account
from backend.services.administration.models import ServedModel
from backend.services.administration.usage import Kept
from backend.wiring import services


@api.route("GET", "/models", caller=Caller.ADMIN, returns=Models)
def list_models(admin: Account) -> list[ServedModel]:
    """The catalogue, which workers have which model loaded, and how long they were measured to take."""
    return services().administration.models.all()


@api.route("GET", "/storage", caller=Caller.ADMIN, returns=Storage)
def show_storage(admin: Account) -> Kept:
    """Bytes by kind of file, rows by table."""
    return services().administration.usage.kept()


@api.route("GET", "/audit", caller=Caller.ADMIN, query=EntriesQuery, returns=Entry, paged=True)
def list_entries(admin: Account, query: EntriesQuery) -> Page:
    """What administrators have done, the newest first."""
    found = services().administration.audit.page(query.asked())
    return Page(found.items, found.next_cursor)
