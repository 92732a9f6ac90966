"""The history of a user's tasks."""

from backend.api.v1 import api
from backend.api.v1.schemas.generation import Record
from backend.api.v1.schemas.history import DeletedRecord, RecordDeletion, RecordsQuery
from backend.contract import Caller, Page
from backend.services.accounts import Account
from backend.wiring import services
from shared.errors import Forbidden, NotFound, StillRunning


@api.route(
    "GET",
    "/user/generation_list",
    caller=Caller.USER,
    query=RecordsQuery,
    returns=Record,
    paged=True,
    errors=(Forbidden, NotFound),
)
def list_records(user: Account, query: RecordsQuery) -> Page:
    """The user's tasks, a page at a time; without a query the newest 1000, from old to new."""
    page = services().history.page(user.id, query.asked())
    return Page(page.items, page.next_cursor)


@api.route(
    "POST",
    "/user/generation_list",
    caller=Caller.USER,
    body=RecordDeletion,
    returns=DeletedRecord,
    message="record_deleted",
    errors=(NotFound, StillRunning),
)
def delete_record(user: Account, body: RecordDeletion) -> DeletedRecord:
    """Put an ended task into the trash, where its files and favourites go too; nothing else shows it any more."""
    return DeletedRecord(name=services().history.delete(user.id, body.name_or_id))
