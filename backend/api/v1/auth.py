"""Accounts and tokens."""

from backend import auth
from backend.api.v1 import api
from backend.api.v1.schemas import LoggedIn, Login, PasswordChange, Registered, Registration
from backend.contract import Caller
from backend.services.accounts import Account
from backend.wiring import services
from shared.errors import AccountTaken, EmailTaken, LoginFailed, WrongPassword


@api.route(
    "POST",
    "/auth/register",
    caller=Caller.PUBLIC,
    body=Registration,
    returns=Registered,
    message="registered",
    errors=(AccountTaken, EmailTaken),
)
def register(body: Registration) -> Account:
    """Sign up."""
    return services().accounts.register(body.account, body.email, body.password)


@api.route(
    "POST",
    "/auth/login",
    caller=Caller.PUBLIC,
    body=Login,
    returns=LoggedIn,
    message="logged_in",
    errors=(LoginFailed,),
)
def log_in(body: Login) -> LoggedIn:
    """Get a token for an account's name or e-mail address and its password."""
    account = services().accounts.log_in(body.account, body.password)
    token = auth.issue(account)
    return LoggedIn(account=account.account, email=account.email, token=token.text, token_expire_at=token.expires_at)


@api.route("POST", "/auth/logout", caller=Caller.USER, message="logged_out")
def log_out(user: Account) -> None:
    """End the token that came with this request."""
    services().accounts.log_out(auth.claimed())


@api.route(
    "POST",
    "/user/reset-password",
    caller=Caller.USER,
    body=PasswordChange,
    message="password_changed",
    errors=(WrongPassword,),
)
def change_password(user: Account, body: PasswordChange) -> None:
    """Replace the password; every token of the user ends."""
    services().accounts.change_password(user.id, body.old_password, body.new_password)
