"""Who calls: tokens made and read by Flask-JWT-Extended, checked against the user's row.

A token carries the user's id and the version of their tokens; a changed password raises the version, a logout puts
the single token on the deny list.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from flask import Flask, current_app, request
from flask_jwt_extended import JWTManager, create_access_token, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt.exceptions import ExpiredSignatureError, PyJWTError

from backend.services.accounts import ADMIN, Account
from backend.services.tokens import TokenClaims
from backend.wiring import services
from shared.errors import Forbidden, NotFound, TokenExpired, TokenInvalid, TokenMissing
from shared.settings import Settings

KNOWN_TOKENS = 4096


@dataclass(frozen=True)
class Token:
    """An access token and the moment it ends by itself."""

    text: str
    expires_at: datetime


def init_app(app: Flask, settings: Settings) -> None:
    """Tokens are signed with a key of their own, derived from the one secret."""
    secret = settings.secret_key.get_secret_value()
    app.config["JWT_SECRET_KEY"] = hashlib.sha256(f"jwt:{secret}".encode()).hexdigest()
    app.config["JWT_ACCESS_TOKEN_EXPIRES"] = timedelta(hours=settings.token_hours)
    JWTManager(app)
    app.extensions["darkroom_tokens"] = lru_cache(maxsize=KNOWN_TOKENS)(_verify)


def issue(account: Account) -> Token:
    """A fresh token of this user."""
    text = create_access_token(str(account.id), additional_claims={"ver": account.token_version})
    return Token(text, _moment(decode_token(text)["exp"]))


def authenticate() -> Account:
    """The user whose token came with this request. Raises one of the Unauthenticated errors."""
    claims = claimed()
    return services().tokens.recognise(claims)


def authenticate_admin() -> Account:
    """The same for an administrator. Raises Forbidden for everybody else."""
    user = authenticate()
    demand_admin(user)
    return user


def demand_admin(user: Account) -> None:
    """Raises Forbidden."""
    if user.role != ADMIN:
        raise Forbidden


def authenticate_or_follow_link() -> Account | None:
    """None for the signed url of a file or preview, which needs no token; else the user.

    Raises Unauthenticated errors.
    """
    if "signature" not in request.args:
        return authenticate()
    path = request.view_args or {}
    signed = path["name"] if "name" in path else path["task_id"]
    services().links.check(signed, request.args.get("expires", ""), request.args["signature"])
    return None


def authenticate_scraper() -> None:
    """Raises NotFound unless the service has a METRICS_TOKEN, Unauthenticated errors unless it came."""
    expected = services().settings.metrics_token.get_secret_value()
    if not expected:
        raise NotFound
    if not hmac.compare_digest(_sent().encode(), expected.encode()):
        raise TokenInvalid


def claimed() -> TokenClaims:
    """What this request's token says, its signature and time checked; `Bearer` may stand before it."""
    return claims_of(_sent())


def claims_of(token: str) -> TokenClaims:
    """What this token says, its signature and time checked. Raises TokenInvalid, TokenExpired."""
    verified: Callable[[str], TokenClaims] = current_app.extensions["darkroom_tokens"]
    claims = verified(token)
    if claims.expires_at <= datetime.now(UTC):
        raise TokenExpired
    return claims


def _sent() -> str:
    """The token that came with this request. Raises TokenMissing."""
    scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
    text = token.strip() if scheme.lower() == "bearer" else scheme
    if not text or (token and scheme.lower() != "bearer"):
        raise TokenMissing
    return text


def _verify(token: str) -> TokenClaims:
    try:
        claims: dict[str, Any] = decode_token(token)
        return TokenClaims(int(claims["sub"]), int(claims["ver"]), str(claims["jti"]), _moment(claims["exp"]))
    except ExpiredSignatureError as error:
        raise TokenExpired from error
    except (JWTExtendedException, PyJWTError, KeyError, TypeError, ValueError) as error:
        raise TokenInvalid from error


def _moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)
