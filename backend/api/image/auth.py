"""Accounts and tokens."""

from backend import auth
from backend.api.image import api
from backend.api.image.schemas.auth import LoggedIn, Login, Profile, Registered, Registration, User
from backend.contract import Caller
from backend.services.accounts import Account
from backend.services.avatars import MAX_BYTES
from backend.wiring import services
from shared.errors import AccountDisabled, AccountTaken, CaptchaWrong, EmailTaken, LoginFailed

FORM_BYTES = 64 * 1024  # what the form has around the picture


@api.route(
    "POST",
    "/api/auth/register",
    caller=Caller.PUBLIC,
    form=Registration,
    max_bytes=MAX_BYTES + FORM_BYTES,
    returns=Registered,
    message="registered",
    limits=("register",),
    errors=(AccountTaken, EmailTaken, CaptchaWrong),
)
def register(form: Registration) -> Account:
    """Sign up, with a picture or without; the captcha matters only where the service asks for one."""
    return services().sign_ups.sign_up(form.username, form.email, form.password, form.captcha, form.sent_avatar)


@api.route(
    "POST",
    "/api/auth/login",
    caller=Caller.PUBLIC,
    body=Login,
    returns=LoggedIn,
    message="logged_in",
    limits=("login",),
    errors=(LoginFailed, AccountDisabled),
)
def log_in(body: Login) -> LoggedIn:
    """Get a token for an account's name or e-mail address and its password."""
    account = services().accounts.log_in(body.username, body.password)
    user = User.model_validate(account, from_attributes=True)
    return LoggedIn(token=auth.issue(account).text, user=user)


@api.route("GET", "/api/auth/profile", caller=Caller.USER, returns=Profile)
def profile(user: Account) -> Account:
    """The caller's account."""
    return user
