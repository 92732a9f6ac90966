"""Users."""

from typing import Any

from flask import g
from werkzeug.wrappers import Response

from backend.api.admin.schemas.users import ErasureConfirmed, NewUser, UserChange, UsersQuery
from backend.pages.drawing import acts, done, drawn, shows
from backend.wiring import services

ID = "/users/<int:user_id>"


@shows("/users", "users", UsersQuery)
def users(query: UsersQuery) -> dict[str, Any]:
    """Users, the newest first, and a form for another one."""
    return {"found": services().administration.users.page(query.asked())}


@acts("/users", NewUser)
def create_user(form: NewUser) -> Response:
    """Another user."""
    user = services().administration.users.create(g.admin, **dict(form))
    return done("created", "user", user_id=user.id)


@shows(ID, "user")
def user(user_id: int) -> dict[str, Any]:
    """One user."""
    return {"user": services().administration.users.find(user_id)}


@acts(ID, UserChange)
def change_user(user_id: int, form: UserChange) -> Response:
    """Another role, caps of their own; an empty cap is the settings'."""
    services().administration.users.change(g.admin, user_id, form.model_dump())
    return done("changed", "user", user_id=user_id)


@acts(f"{ID}/disable")
def disable(user_id: int) -> Response:
    """Shut somebody out."""
    services().administration.users.disable(g.admin, user_id)
    return done("disabled", "user", user_id=user_id)


@acts(f"{ID}/enable")
def enable(user_id: int) -> Response:
    """Let somebody in again."""
    services().administration.users.enable(g.admin, user_id)
    return done("enabled", "user", user_id=user_id)


@acts(f"{ID}/erase", ErasureConfirmed)
def erase(user_id: int, form: ErasureConfirmed) -> Response:
    """Close an account for good."""
    services().erasure.remove(g.admin, user_id)
    return done("erased", "users")


@acts(f"{ID}/password")
def replace_password(user_id: int) -> str:
    """Shows a one-time password, here and never again."""
    administration = services().administration.users
    password = administration.one_time_password(g.admin, user_id)
    return drawn("password", user=administration.find(user_id), password=password)


@acts(f"{ID}/password/mail")
def mail_code(user_id: int) -> Response:
    """Mails somebody a code."""
    services().administration.users.mail_code(g.admin, user_id)
    return done("mailed", "user", user_id=user_id)
