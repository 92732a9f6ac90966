"""Everybody's tasks: find them, end them, try them again."""

from backend.api.admin import api
from backend.api.admin.schemas.tasks import FailedCount, FailedTasks, Requeue, Requeued, Task, TasksQuery
from backend.contract import Caller, Page
from backend.services.accounts import Account
from backend.services.administration import failures
from backend.services.administration.tasks import Owned
from backend.wiring import services
from shared.errors import AccountDisabled, NotFound, NotRetryable, QueueFull


@api.route("GET", "/tasks", caller=Caller.ADMIN, query=TasksQuery, returns=Task, paged=True)
def list_tasks(admin: Account, query: TasksQuery) -> Page:
    """Tasks of all users, the newest first."""
    found = services().administration.tasks.page(query.asked())
    return Page(found.items, found.next_cursor)


@api.route("GET", "/tasks/<task_id>", caller=Caller.ADMIN, returns=Task, errors=(NotFound,))
def show_task(admin: Account, task_id: str) -> Owned:
    """One task."""
    return services().administration.tasks.find(task_id)


@api.route("DELETE", "/tasks/<task_id>", caller=Caller.ADMIN, returns=Task, errors=(NotFound,))
def cancel_task(admin: Account, task_id: str) -> Owned:
    """Cancel it: at once while it waits, at its next step while it runs. One that has ended stays as it is."""
    return services().administration.tasks.cancel(admin, task_id)


@api.route(
    "POST",
    "/tasks/<task_id>/retry",
    caller=Caller.ADMIN,
    returns=Task,
    message="task_retried",
    errors=(NotFound, NotRetryable, QueueFull, AccountDisabled),
)
def retry_task(admin: Account, task_id: str) -> Owned:
    """Queue a failed or cancelled task again, for its user."""
    return services().administration.tasks.retry(admin, task_id)


@api.route("GET", "/failed", caller=Caller.ADMIN, query=FailedTasks, returns=FailedCount)
def count_failed(admin: Account, query: FailedTasks) -> failures.Failed:
    """How many tasks a requeue would try again."""
    return services().administration.failures.count(query.asked())


@api.route("POST", "/failed/requeue", caller=Caller.ADMIN, body=Requeue, returns=Requeued)
def requeue_failed(admin: Account, body: Requeue) -> failures.Requeued:
    """Queue everything again that failed since then, at most 500 tasks a call."""
    return services().administration.failures.requeue(admin, body.asked(), body.cursor)
