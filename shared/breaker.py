"""Leaving Redis alone for some seconds after it failed, so that nobody waits for it again and again."""

import time
from collections.abc import Callable
from typing import TypeVar

import structlog
from redis.exceptions import RedisError

from shared.metrics import DEGRADED

log = structlog.get_logger(__name__)

PAUSE_SECONDS = 5.0

Answer = TypeVar("Answer")


class Breaker:
    """Asks for what can be done without; during the pause after a failure it does not even ask."""

    def __init__(self, event: str, clock: Callable[[], float] = time.monotonic) -> None:
        """`event` is what the log says when a pause begins."""
        self._event = event
        self._clock = clock
        self._silent_until = 0.0

    def ask(self, act: Callable[[], Answer], otherwise: Answer) -> Answer:
        """What `act` returns, or `otherwise` when it raised a RedisError, now or a moment ago."""
        if self._clock() < self._silent_until:
            return otherwise
        try:
            return act()
        except RedisError as error:
            self._silent_until = self._clock() + PAUSE_SECONDS
            DEGRADED.labels(self._event).inc()
            log.warning(self._event, error=type(error).__name__)
            return otherwise
