"""How the page's views read what came, and how their findings become HTML. Jinja escapes whatever is in them."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from flask import g, redirect, render_template, request, url_for
from pydantic import BaseModel
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from backend import reading
from backend.pages.blueprint import page
from backend.pages.labels import NOTES, translated
from backend.pages.session import FIELD
from backend.texts import language, say

View = Callable[..., Any]
UNITS = ("B", "kB", "MB", "GB", "TB")


def shows(rule: str, template: str, query: type[BaseModel] | None = None) -> Callable[[View], View]:
    """A page: the view gets the path and the query, and returns what the template draws."""

    def register(view: View) -> View:
        @wraps(view)
        def endpoint(**path: Any) -> str:
            asked = {"query": _read(query, request.args)} if query else {}
            return drawn(template, **asked, **view(**path, **asked))

        page.add_url_rule(rule, view_func=endpoint, methods=["GET"])
        return view

    return register


def acts(rule: str, form: type[BaseModel] | None = None) -> Callable[[View], View]:
    """A form's target: the view gets the path and the form, acts, and returns an answer."""

    def register(view: View) -> View:
        @wraps(view)
        def endpoint(**path: Any) -> Any:
            sent = {"form": _read(form, request.form)} if form else {}
            return view(**path, **sent)

        page.add_url_rule(rule, view_func=endpoint, methods=["POST"])
        return view

    return register


def done(note: str, view: str, **path: Any) -> Response:
    """To another page, which says first what was done; a reload there does nothing again."""
    return redirect(url_for(f"admin_page.{view}", note=note, **path), 303)


def drawn(template: str, **facts: Any) -> str:
    """The page in the language of the request."""
    common = {"admin": g.get("admin"), "form_token": g.get("form_token", ""), "t": translated, "say": say}
    note = NOTES.get(request.args.get("note", ""), "")
    return render_template(f"admin/{template}.html", **common, language=language(), note=note, **facts)


def _read(model: type[BaseModel], sent: MultiDict[str, str]) -> Any:
    """What was left empty was not given. Raises Invalid."""
    given = {name: value for name, value in sent.items() if value and name not in {FIELD, "note"}}
    return reading.validated(model, given, strict=False)


def moment(value: datetime | None) -> str:
    """Of UTC, to the second."""
    return f"{value:%Y-%m-%d %H:%M:%S}" if value else "–"


def size(value: float) -> str:
    """Bytes as people say them."""
    exponent = min((len(str(int(value))) - 1) // 3, len(UNITS) - 1)
    return f"{value / 1000**exponent:.{min(exponent, 1)}f} {UNITS[exponent]}"


def duration(seconds: float | None) -> str:
    """The two largest units."""
    if seconds is None:
        return "–"
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {left} s" if minutes else f"{seconds:.1f} s"


FILTERS: dict[str, Callable[..., str]] = {"moment": moment, "size": size, "duration": duration}
