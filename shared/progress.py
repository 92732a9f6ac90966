"""How far a running task is: kept in Redis for a while, published on a channel, never in the database.

Progress is real or absent: with Redis away writing does nothing and reading finds nothing.
"""

import time
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

log = structlog.get_logger(__name__)

LIFETIME_SECONDS = 3600
PAUSE_SECONDS = 5.0
CHANNEL = "darkroom:progress"


@dataclass(frozen=True)
class Progress:
    """`step` of `steps` denoising steps of one claim (its fence) are done."""

    fence: int
    step: int
    steps: int


def redis_client(url: str) -> Redis:
    """A client that fails fast: nothing in it is worth waiting for."""
    once_more = Retry(NoBackoff(), 1)  # a connection that the server has closed meanwhile; nothing longer
    return Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1, retry=once_more, decode_responses=True)


class ProgressBoard:
    """Writes and reads progress by a task's public id."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._silent_until = 0.0

    def write(self, task: str, progress: Progress) -> None:
        """Remember and publish. After a failure Redis is left alone for some seconds, so that steps are not slowed."""
        if time.monotonic() < self._silent_until:
            return
        key = _key(task)
        fields: dict[Any, Any] = asdict(progress)
        try:
            with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.hset(key, mapping=fields)
                pipeline.expire(key, LIFETIME_SECONDS)
                pipeline.publish(CHANNEL, task)
                pipeline.execute()
        except RedisError as error:
            self._pause(error)

    def read(self, task: str, fence: int) -> Progress | None:
        """The progress of just this claim, or None."""
        if time.monotonic() < self._silent_until:
            return None
        try:
            fields = self._redis.hmget(_key(task), "fence", "step", "steps")
        except RedisError as error:
            self._pause(error)
            return None
        known = [int(value) for value in fields if value is not None]
        return Progress(*known) if known[:1] == [fence] and len(known) == len(fields) else None

    def _pause(self, error: RedisError) -> None:
        self._silent_until = time.monotonic() + PAUSE_SECONDS
        log.warning("progress_unavailable", error=type(error).__name__)


def _key(task: str) -> str:
    return f"darkroom:progress:{task}"
