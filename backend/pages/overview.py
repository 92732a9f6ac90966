"""The first page: logging in and out, what waits, and how many workers it needs."""

from typing import Any

from flask import redirect, url_for
from pydantic import Field
from werkzeug.wrappers import Response

from backend import auth, limiting
from backend.api.admin.schemas.queue import MOST_WORKERS
from backend.api.fields import Asked
from backend.api.v1.schemas.auth import Login
from backend.pages import session
from backend.pages.drawing import acts, shows
from backend.wiring import services
from shared.workers import ABLE


class OverviewQuery(Asked):
    workers: int | None = Field(None, ge=1, le=MOST_WORKERS)


@shows("", "overview", OverviewQuery)
def overview(query: OverviewQuery) -> dict[str, Any]:
    """The queue, and how long it will take with so many workers, or with those that there are."""
    administration = services().administration
    able = sum(worker.state in ABLE for worker in administration.fleet.all())
    scale = administration.scales.predict(query.workers or max(1, able))
    return {"queue": administration.queue.state(), "scale": scale, "able": able}


@shows("/login", "login")
def login_form() -> dict[str, Any]:
    """Asks for an administrator's name and password."""
    return {"message": "", "problems": ()}


@acts("/login", Login)
def log_in(form: Login) -> Response:
    """The same accounts as everywhere."""
    limiting.check(("login",), None)
    account = services().accounts.log_in(form.account, form.password)
    auth.demand_admin(account)
    return session.begin(redirect(url_for("admin_page.overview"), 303), auth.issue(account))


@acts("/logout")
def log_out() -> Response:
    """The session's token ends."""
    return session.end(redirect(url_for("admin_page.login_form"), 303))
