"""How far a running task is: kept in Redis for a while, published on a channel, never in the database.

Progress is real or absent: with Redis away writing does nothing and reading finds nothing.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.client import PubSub
from redis.exceptions import RedisError
from redis.retry import Retry

log = structlog.get_logger(__name__)

LIFETIME_SECONDS = 3600
PAUSE_SECONDS = 5.0
CHANNEL = "darkroom:progress"
FIELDS = ("fence", "step", "steps")


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


class Channel:
    """The ids of tasks as their progress is written or their change is announced; for one thread."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._heard: PubSub | None = None

    def hear(self, seconds: float) -> str | None:
        """The next id, or None when none came in so many seconds. Raises RedisError."""
        try:
            if self._heard is None:
                self._heard = self._redis.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
                self._heard.subscribe(CHANNEL)
            message = self._heard.get_message(timeout=seconds)
        except RedisError:
            self.close()
            raise
        return str(message["data"]) if message else None

    def close(self) -> None:
        """Hang up; hearing again subscribes anew."""
        if self._heard is not None:
            self._heard.close()
            self._heard = None


class ProgressBoard:
    """Writes and reads progress by a task's public id."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._silent_until = 0.0

    def write(self, task: str, progress: Progress) -> bool:
        """Remember and publish; True when this claim has been asked to stop.

        After a failure Redis is left alone for some seconds, so that steps are not slowed.
        """
        if time.monotonic() < self._silent_until:
            return False
        key = _key(task)
        fields: dict[Any, Any] = asdict(progress)
        try:
            with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.hset(key, mapping=fields)
                pipeline.expire(key, LIFETIME_SECONDS)
                pipeline.publish(CHANNEL, task)
                pipeline.get(_stop_key(task))
                asked = pipeline.execute()[-1]
        except RedisError as error:
            self._pause(error)
            return False
        return bool(asked == str(progress.fence))

    def read(self, task: str, fence: int) -> Progress | None:
        """The progress of just this claim, or None."""
        return self.read_all({task: fence}).get(task)

    def read_all(self, fences: Mapping[str, int]) -> dict[str, Progress]:
        """The progress of just these claims (their fences by task), as far as it is known, in one round trip."""
        if not fences or time.monotonic() < self._silent_until:
            return {}
        try:
            found = self._fetch(list(fences))
        except RedisError as error:
            self._pause(error)
            return {}
        known = {task: _progress(fields) for task, fields in zip(fences, found, strict=True)}
        return {task: progress for task, progress in known.items() if progress and progress.fence == fences[task]}

    def _fetch(self, tasks: Sequence[str]) -> list[Any]:
        if len(tasks) == 1:  # most polls: a pipeline would cost them twice as much
            return [self._redis.hmget(_key(tasks[0]), *FIELDS)]
        with self._redis.pipeline(transaction=False) as pipeline:
            for task in tasks:
                pipeline.hmget(_key(task), *FIELDS)
            return pipeline.execute()

    def announce(self, task: str) -> None:
        """Tell who watches that this task has changed; the row says how."""
        self._try(lambda: self._redis.publish(CHANNEL, task))

    def ask_to_stop(self, task: str, fence: int) -> None:
        """Tell the worker that holds this claim; without Redis it learns from the row, at its next beat."""
        self._try(lambda: self._redis.set(_stop_key(task), fence, ex=LIFETIME_SECONDS))

    def _try(self, act: Callable[[], object]) -> None:
        if time.monotonic() < self._silent_until:
            return
        try:
            act()
        except RedisError as error:
            self._pause(error)

    def _pause(self, error: RedisError) -> None:
        self._silent_until = time.monotonic() + PAUSE_SECONDS
        log.warning("progress_unavailable", error=type(error).__name__)


def _progress(fields: Sequence[str | None]) -> Progress | None:
    return None if None in fields else Progress(*(int(field) for field in fields if field is not None))


def _key(task: str) -> str:
    return f"darkroom:progress:{task}"


def _stop_key(task: str) -> str:
    return f"darkroom:stop:{task}"
