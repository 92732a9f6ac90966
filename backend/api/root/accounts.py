"""Signing up and logging in at the root: `/register` and `/login`."""

from backend import auth
from backend.api.root import login, registration
from backend.api.root.schemas.accounts import LoggedIn, Login, Registration, User
from backend.contract import Caller
from backend.services.accounts import Account
from backend.wiring import services
from shared.errors import AccountDisabled, AccountTaken, CaptchaWrong, EmailTaken, LoginFailed


@registration.route(
    "POST",
    "/register",
    caller=Caller.PUBLIC,
    body=Registration,
    returns=User,
    message="registered",
    limits=("register",),
    fault="user_not_created",
    errors=(AccountTaken, EmailTaken, CaptchaWrong),
)
def register(body: Registration) -> Account:
    """Sign up; the captcha matters only where the service asks for one."""
    return services().sign_ups.sign_up(body.username, body.email, body.password, body.captcha)


@login.route(
    "POST",
    "/login",
    caller=Caller.PUBLIC,
    body=Login,
    returns=LoggedIn,
    message="logged_in",
    limits=("login",),
    fault="user_not_found",
    errors=(LoginFailed, AccountDisabled),
)
def log_in(body: Login) -> LoggedIn:
    """Get a token for an account's name or e-mail address and its password."""
    account = services().accounts.log_in(body.username, body.password)
    return LoggedIn(token=auth.issue(account).text, user=User.model_validate(account, from_attributes=True))
