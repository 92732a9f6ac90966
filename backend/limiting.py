"""How often a client may do what: Flask-Limiter's counters in Redis, one toll for each name that a contract may give.

A user who is known pays for themselves, everybody else for their address. With Redis away nobody is held up.
"""

import logging
import math
import time
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import cast

from flask import Flask, Response, current_app, g, request
from flask_limiter import Limiter, RateLimitExceeded
from redis.exceptions import RedisError

from backend.services.accounts import Account
from shared.errors import TooMany
from shared.metrics import DEGRADED
from shared.settings import Settings

FAILED_SIGN_UPS = "5/minute"
FAILED = {400, 409}
SITE_BITS = 64  # of an IPv6 address: who has one address of such a network has all of them
TIMEOUTS = {"socket_timeout": 1, "socket_connect_timeout": 1}
SECONDS_BETWEEN_COMPLAINTS = 60.0

Toll = Callable[[], None]


class Limits:
    """The tolls of one application."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._limiter = Limiter(
            lambda: str(g.payer),
            app=app,
            storage_uri=settings.redis_url.replace("unix://", "redis+unix://", 1),
            storage_options=dict(TIMEOUTS),
            strategy="moving-window",
            key_prefix="darkroom",
            swallow_errors=True,
            enabled=settings.limits,
        )
        # What has a toll asks for itself; asking before every request would cost a poll a tenth of its time.
        hooks = app.before_request_funcs.get(None, [])
        app.before_request_funcs[None] = [hook for hook in hooks if hook != self._limiter._check_request_limit]
        self._limiter.logger.addFilter(_seldom)
        rates = {
            "register": settings.limit_register,
            "login": settings.limit_login,
            "code": settings.limit_code,
            "captcha": settings.limit_captcha,
            "generate": settings.limit_generate,
        }
        self._tolls = {name: self._toll(name, rate) for name, rate in rates.items()}
        self._tolls["failed_sign_up"] = self._toll(
            "failed_sign_up", FAILED_SIGN_UPS, lambda answer: answer.status_code in FAILED
        )

    @property
    def names(self) -> frozenset[str]:
        """What contracts may be limited by."""
        return frozenset(self._tolls)

    def check(self, names: tuple[str, ...], user: Account | None) -> None:
        """Count the current request under each of these names. Raises TooMany."""
        g.payer = f"user:{user.id}" if user else f"address:{_site(request.remote_addr or '')}"
        try:
            for name in names:
                self._tolls[name]()
        except RateLimitExceeded as exceeded:
            raise TooMany(self._seconds_left(exceeded)) from exceeded

    def _toll(self, name: str, rate: str, deduct_when: Callable[[Response], bool] | None = None) -> Toll:
        def toll() -> None:
            """Passed by whoever may go on."""

        toll.__name__ = toll.__qualname__ = f"toll_{name}"  # by which Flask-Limiter tells them apart
        return cast(Toll, self._limiter.shared_limit(rate, scope=name, deduct_when=deduct_when)(toll))

    def _seconds_left(self, exceeded: RateLimitExceeded) -> int:
        period = exceeded.limit.limit.get_expiry()
        breached = self._limiter.current_limit
        try:
            left = math.ceil(breached.reset_at - time.time()) if breached else period
        except RedisError:  # it went away just now
            return period
        return min(max(1, left), period)


def init_app(app: Flask, settings: Settings) -> None:
    """Make the application's tolls."""
    app.extensions["darkroom_limits"] = Limits(app, settings)


def check(names: tuple[str, ...], user: Account | None) -> None:
    """Count the current request. Raises TooMany."""
    limits: Limits = current_app.extensions["darkroom_limits"]
    limits.check(names, user)


def _site(address: str) -> str:
    """The address, or the whole network that one IPv6 client has."""
    try:
        version = ip_address(address).version
    except ValueError:
        return address
    return address if version == 4 else str(ip_network((address, SITE_BITS), strict=False))


class _Seldom(logging.Filter):
    """Counts complaints and lets one pass in a while: with Redis away every request would have one."""

    def __init__(self) -> None:
        super().__init__()
        self._silent_until = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        DEGRADED.labels("limits_unavailable").inc(record.levelno >= logging.ERROR)
        if record.levelno < logging.ERROR or time.monotonic() < self._silent_until:
            return False
        self._silent_until = time.monotonic() + SECONDS_BETWEEN_COMPLAINTS
        return True


_seldom = _Seldom()
