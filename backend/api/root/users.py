"""user: profile, passwords, mailed codes and provider keys."""

from contextlib import suppress

from backend import auth
from backend.api import apis
from backend.api.root import user as api
from backend.api.root.schemas.users import CodeRequest, CodeToCheck, PasswordChange, PasswordReset, Profile
from backend.contract import Caller
from backend.services import profiles
from backend.services.accounts import Account
from backend.wiring import services
from shared.errors import (
    AccountUnknown,
    CodeWrong,
    EmailTaken,
    EmailUnknown,
    MailFailed,
    TooMany,
    Unauthenticated,
    WrongPassword,
)

apis.mount(api, "/apis")


@api.route("POST", "/logout", caller=Caller.PUBLIC, message="logged_out")
def log_out() -> None:
    """End the token that came with this request; who has none is logged out already."""
    with suppress(Unauthenticated):
        services().deny_list.add(auth.claimed())


@api.route(
    "POST",
    "/auth/send-code",
    caller=Caller.PUBLIC,
    body=CodeRequest,
    message="code_sent",
    limits=("code",),
    errors=(AccountUnknown, EmailUnknown, EmailTaken, TooMany, MailFailed),
)
def send_code(body: CodeRequest) -> None:
    """Get a code by mail: at the account's address, for signing up at a new one."""
    services().verification.send(body.code_type, body.username, body.email)


@api.route(
    "POST",
    "/auth/verify-code",
    caller=Caller.PUBLIC,
    body=CodeToCheck,
    message="code_right",
    limits=("code",),
    errors=(CodeWrong,),
)
def verify_code(body: CodeToCheck) -> None:
    """Whether a code is right; it stays good. Counts as one of its five attempts."""
    services().verification.check(body.code_type, body.username, body.email, body.code)


@api.route(
    "POST",
    "/auth/reset-password",
    caller=Caller.PUBLIC,
    body=PasswordReset,
    message="password_reset",
    limits=("code",),
    errors=(CodeWrong,),
)
def reset_password(body: PasswordReset) -> None:
    """Replace a forgotten password by the mailed code; every token of the user ends."""
    services().verification.reset_password(body.username, body.email, body.code, body.new_password)


@api.route("GET", "/profile", caller=Caller.USER, returns=Profile)
def show_profile(user: Account) -> profiles.Profile:
    """The caller's own facts."""
    return services().profiles.find(user.id)


@api.route("GET", "/me", caller=Caller.USER, returns=Profile)
def show_me(user: Account) -> profiles.Profile:
    """The same."""
    return services().profiles.find(user.id)


@api.route(
    "POST",
    "/update-password",
    caller=Caller.USER,
    body=PasswordChange,
    message="password_changed",
    errors=(WrongPassword,),
)
def update_password(user: Account, body: PasswordChange) -> None:
    """Replace the password; every token of the user ends."""
    services().accounts.change_password(user.id, body.old_password, body.new_password)


@api.route(
    "PUT",
    "/update-password",
    caller=Caller.USER,
    body=PasswordChange,
    message="password_changed",
    errors=(WrongPassword,),
)
def replace_password(user: Account, body: PasswordChange) -> None:
    """The same."""
    services().accounts.change_password(user.id, body.old_password, body.new_password)
