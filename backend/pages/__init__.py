"""The administrators' page: plain HTML at /admin that works without JavaScript, over the services of /api/v1/admin.

Whoever has no administrator's session is led to the login, and every form has to come from a page of that session.
"""

from flask import Flask, Response, g, redirect, request, url_for
from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError
from werkzeug.wrappers import Response as WerkzeugResponse

from backend.dialects.errors import detail, http_status
from backend.pages import drawing, overview, service, session, tasks, users, workers  # noqa: F401 - routes
from backend.pages.blueprint import page
from backend.texts import say
from backend.wiring import services
from shared.errors import AppError, Forbidden, Unauthenticated, Unavailable

OPEN = {"admin_page.log_in", "admin_page.login_form", "admin_page.static"}
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' {storage};"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "X-Frame-Options": "DENY",
}


def register(app: Flask) -> None:
    """Serve the page."""
    app.register_blueprint(page)
    app.jinja_env.filters |= drawing.FILTERS


@page.before_request
def _guard() -> None:
    """Raises Unauthenticated errors and Forbidden for whoever may not be here, FormRefused for a foreign form."""
    if request.endpoint not in OPEN:
        g.admin = session.admin()
    if request.method == "POST":
        session.refuse_foreign_sites()
    if request.method == "POST" and request.endpoint not in OPEN:
        session.refuse_foreign_forms()


@page.after_request
def _harden(response: Response) -> Response:
    response.headers.update(HEADERS)
    response.headers["Content-Security-Policy"] = POLICY.format(storage=services().files.origin())
    return response


@page.errorhandler(AppError)
def _fail(error: AppError) -> WerkzeugResponse | tuple[str, int]:
    if "admin" not in g and request.endpoint not in OPEN and _wants_login(error):
        return redirect(url_for("admin_page.login_form"), 303)
    template = "error" if "admin" in g else "login"
    told = {"message": say(error.code, facts=error.facts), "problems": detail(error).fields}
    return drawing.drawn(template, **told), http_status(type(error))


def _wants_login(error: AppError) -> bool:
    return isinstance(error, Unauthenticated | Forbidden)


def _database_away(error: Exception) -> WerkzeugResponse | tuple[str, int]:
    return _fail(Unavailable(str(type(error))))


for away in (OperationalError, InterfaceError, TimeoutError):
    page.register_error_handler(away, _database_away)
