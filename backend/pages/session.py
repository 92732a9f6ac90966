"""Who is at the page: an access token in a cookie, and a word in every form that only this session's pages have."""

import hashlib
import hmac

from flask import current_app, g, request
from werkzeug.wrappers import Response

from backend import auth
from backend.auth import Token
from backend.services.accounts import Account
from backend.wiring import services
from shared.errors import FormRefused, TokenMissing

COOKIE = "darkroom_admin"
PATH = "/admin"
FIELD = "form_token"
OWN_SITE = {None, "same-origin", "none"}  # of Sec-Fetch-Site, which older browsers do not send


def begin(response: Response, token: Token) -> Response:
    """The browser keeps the token until it is closed, and sends it to nobody but this page."""
    secure = request.is_secure
    response.set_cookie(COOKIE, token.text, path=PATH, httponly=True, samesite="Strict", secure=secure)
    return response


def end(response: Response) -> Response:
    """The token counts no more."""
    services().deny_list.add(auth.claims_of(_cookie()))
    response.delete_cookie(COOKIE, path=PATH)
    return response


def admin() -> Account:
    """Raises Unauthenticated errors, and Forbidden for who is no administrator."""
    claims = auth.claims_of(_cookie())
    user = services().tokens.recognise(claims)
    auth.demand_admin(user)
    g.form_token = _form_token(claims.jti)
    return user


def refuse_foreign_sites() -> None:
    """Raises FormRefused for what a browser says to come from elsewhere."""
    if request.headers.get("Sec-Fetch-Site") not in OWN_SITE:
        raise FormRefused


def refuse_foreign_forms() -> None:
    """Raises FormRefused for a form that no page of this session has made."""
    if not hmac.compare_digest(request.form.get(FIELD, "").encode(), g.form_token.encode()):
        raise FormRefused


def _cookie() -> str:
    token = request.cookies.get(COOKIE)
    if not token:
        raise TokenMissing
    return token


def _form_token(jti: str) -> str:
    """An HMAC of the session under the key of the tokens: another session has another."""
    key = str(current_app.config["JWT_SECRET_KEY"]).encode()
    return hmac.new(key, f"form:{jti}".encode(), hashlib.sha256).hexdigest()
