"""Accounts and tokens."""

from backend import auth
from backend.api.v1 import api
from backend.api.v1.schemas.auth import (
    ChangedEmail,
    EmailChange,
    ForgottenPassword,
    LoggedIn,
    Login,
    PasswordChange,
    PasswordReset,
    Registered,
    Registration,
)
from backend.contract import Caller
from backend.services.accounts import Account
from backend.wiring import services
from shared.errors import (
    AccountDisabled,
    AccountTaken,
    CaptchaWrong,
    CodeWrong,
    EmailTaken,
    EmailUnknown,
    LoginFailed,
    MailFailed,
    NewEmailTaken,
    TooMany,
    WrongPassword,
)


@api.route(
    "POST",
    "/auth/register",
    caller=Caller.PUBLIC,
    body=Registration,
    returns=Registered,
    message="registered",
    limits=("register",),
    errors=(AccountTaken, EmailTaken, CaptchaWrong),
)
def register(body: Registration) -> Account:
    """Sign up; the captcha matters only where the service asks for one."""
    return services().sign_ups.sign_up(body.account, body.email, body.password, body.captcha)


@api.route(
    "POST",
    "/auth/login",
    caller=Caller.PUBLIC,
    body=Login,
    returns=LoggedIn,
    message="logged_in",
    limits=("login",),
    errors=(LoginFailed, AccountDisabled),
)
def log_in(body: Login) -> LoggedIn:
    """Get a token for an account's name or e-mail address and its password."""
    account = services().accounts.log_in(body.account, body.password)
    token = auth.issue(account)
    return LoggedIn(account=account.account, email=account.email, token=token.text, token_expire_at=token.expires_at)


@api.route("POST", "/auth/logout", caller=Caller.USER, message="logged_out")
def log_out(user: Account) -> None:
    """End the token that came with this request."""
    services().deny_list.add(auth.claimed())


@api.route(
    "POST",
    "/auth/forgot-password",
    caller=Caller.PUBLIC,
    body=ForgottenPassword,
    message="mail_sent",
    limits=("code",),
    errors=(EmailUnknown, TooMany, MailFailed),
)
def forget_password(body: ForgottenPassword) -> None:
    """Get a code by mail with which the password can be reset."""
    services().accounts.forgot_password(body.email)


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
    services().accounts.reset_password(body.email, body.verification_code, body.new_password)


@api.route(
    "POST",
    "/user/reset-email",
    caller=Caller.USER,
    body=EmailChange,
    returns=ChangedEmail,
    message="email_changed",
    errors=(NewEmailTaken,),
)
def change_email(user: Account, body: EmailChange) -> ChangedEmail:
    """Replace the e-mail address."""
    return ChangedEmail(email=services().accounts.change_email(user.id, body.new_email))


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
