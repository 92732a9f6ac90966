"""Everybody's tasks, and all that has failed."""

from typing import Any

from flask import g, redirect, request, url_for
from werkzeug.wrappers import Response

from backend.api.admin.schemas.tasks import FailedTasks, Requeue, TasksQuery
from backend.pages.blueprint import page
from backend.pages.drawing import acts, done, drawn, shows
from backend.wiring import services
from shared.generation import Kind
from shared.lifecycle import Status


@shows("/tasks", "tasks", TasksQuery)
def tasks(query: TasksQuery) -> dict[str, Any]:
    """Tasks of all users, the newest first."""
    found = services().administration.tasks.page(query.asked())
    return {"found": found, "statuses": list(Status), "kinds": list(Kind)}


@page.get("/task")
def find_task() -> Response:
    """To the task whose id was typed."""
    return redirect(url_for("admin_page.task", task_id=request.args.get("id", "").strip() or "-"), 303)


@shows("/tasks/<task_id>", "task")
def task(task_id: str) -> dict[str, Any]:
    """One task."""
    return {"owned": services().administration.tasks.find(task_id)}


@acts("/tasks/<task_id>/cancel")
def cancel(task_id: str) -> Response:
    """End it."""
    services().administration.tasks.cancel(g.admin, task_id)
    return done("cancelled", "task", task_id=task_id)


@acts("/tasks/<task_id>/retry")
def retry(task_id: str) -> Response:
    """Queue it again."""
    services().administration.tasks.retry(g.admin, task_id)
    return done("retried", "task", task_id=task_id)


@shows("/failed", "failed", FailedTasks)
def failed(query: FailedTasks) -> dict[str, Any]:
    """How many tasks would be tried again."""
    return {"failed": services().administration.failures.count(query.asked())}


@acts("/failed", Requeue)
def requeue(form: Requeue) -> str:
    """Try them again; where there were more than go at once the page has a button for the rest."""
    outcome = services().administration.failures.requeue(g.admin, form.asked(), form.cursor)
    return drawn("requeued", query=form, outcome=outcome)
