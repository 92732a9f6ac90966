"""Captchas, and signing up with one."""

from flask import Response

from backend import auth
from backend.api.root import captcha
from backend.api.root.schemas.accounts import FreshCaptcha, SignedUp, SignUp
from backend.contract import Caller
from backend.services.captchas import Answer
from backend.wiring import services
from shared.errors import AccountTaken, CaptchaUnknown, CaptchaWrong, EmailTaken

PNG = "image/png"


@captcha.route(
    "GET", "/captcha", caller=Caller.PUBLIC, returns=FreshCaptcha, limits=("captcha",), fault="captcha_not_made"
)
def make_captcha() -> FreshCaptcha:
    """The id of a fresh captcha, good for five minutes and one sign-up."""
    return FreshCaptcha(captcha_id=services().captchas.make())


@captcha.route(
    "GET",
    "/captcha/<captcha_id>",
    caller=Caller.PUBLIC,
    produces=(PNG,),
    limits=("captcha",),
    fault="captcha_not_made",
    errors=(CaptchaUnknown,),
)
def show_captcha(captcha_id: str) -> Response:
    """The captcha's picture."""
    picture = services().captchas.picture(captcha_id)
    return Response(picture, mimetype=PNG, headers={"Cache-Control": "no-store"})


@captcha.route(
    "POST",
    "/signup",
    caller=Caller.PUBLIC,
    body=SignUp,
    returns=SignedUp,
    limits=("register", "failed_sign_up"),
    fault="user_not_created",
    errors=(AccountTaken, EmailTaken, CaptchaWrong),
)
def sign_up(body: SignUp) -> SignedUp:
    """Sign up with what the captcha shows, and get a token."""
    answer = Answer(body.captcha_id, body.value)
    account = services().sign_ups.sign_up_by_captcha(body.username, body.email, body.password, answer)
    return SignedUp(message="User signup successfully", session_token=auth.issue(account).text)
