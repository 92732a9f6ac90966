"""How far a running task is: kept in Redis for a while, published on a channel, never in the database.

Progress is real or absent: with Redis away writing does nothing and reading finds nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.client import NEVER_DECODE, PubSub
from redis.exceptions import RedisError
from redis.retry import Retry

from shared.breaker import Breaker
from shared.idle import Idle

LIFETIME_SECONDS = 3600
CHANNEL = "darkroom:progress"
CONNECTIONS = 1024  # twice as many as the web tier can have threads: each has one, and keeps one for polls
CONFIRMED_SECONDS = 1.0  # as long as anything else may take
WRITTEN = ("fence", "step", "steps", "phase")
FIELDS = (*WRITTEN, "preview")
PREVIEW_SECONDS = 600
PREVIEW_BYTES = 32 * 1024
BINARY: dict[str, Any] = {NEVER_DECODE: []}  # an answer that is no text, as redis-py asks for DUMP


@dataclass(frozen=True)
class Progress:
    """`step` of `steps` denoising steps of one claim (its fence) are done; `phase` is what goes on before the first.

    `preview` is another text for each new preview of the claim, and empty before the first.
    """

    fence: int
    step: int
    steps: int
    phase: str = ""
    preview: str = ""

    def is_behind(self, other: "Progress") -> bool:
        """Whether it would be a step back from the other one: in steps, or in the part of the whole that is done."""
        return self.step < other.step or self.step * other.steps < other.step * self.steps


def redis_client(url: str) -> Redis:
    """A client that fails fast: nothing in it is worth waiting for."""
    once_more = Retry(NoBackoff(), 1)  # a connection that the server has closed meanwhile; nothing longer
    patience = {"socket_timeout": 1, "socket_connect_timeout": 1, "retry": once_more}
    return Redis.from_url(url, **patience, decode_responses=True, max_connections=CONNECTIONS)


class Channel:
    """The ids of tasks as their progress is written or their change is announced; for one thread."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._heard: PubSub | None = None

    def hear(self, seconds: float) -> str | None:
        """The next id, or None when none came in so many seconds; the first time once it is listened to.

        Raises RedisError.
        """
        try:
            if self._heard is None:
                self._heard = self._redis.pubsub()  # type: ignore[no-untyped-call]
                self._heard.subscribe(CHANNEL)
                self._heard.get_message(timeout=CONFIRMED_SECONDS)
                return None
            message = self._heard.get_message(ignore_subscribe_messages=True, timeout=seconds)
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
    """Writes and reads progress by a task's public id. After a failure Redis is left alone: steps are not slowed."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._breaker = Breaker("progress_unavailable")
        self._idle = Idle[Any](lambda: redis.connection_pool.get_connection())

    def write(self, task: str, progress: Progress) -> bool:
        """Remember and publish; True when this claim has been asked to stop."""
        asked = self._breaker.ask(lambda: self._write(task, progress), None)
        return bool(asked == str(progress.fence))

    def read_all(self, fences: Mapping[str, int]) -> dict[str, Progress]:
        """The progress of just these claims (their fences by task), as far as it is known, in one round trip."""
        found = self._breaker.ask(lambda: self._fetch(list(fences)), None) if fences else None
        if found is None:
            return {}
        known = {task: _progress(fields) for task, fields in zip(fences, found, strict=True)}
        return {task: progress for task, progress in known.items() if progress and progress.fence == fences[task]}

    def announce(self, task: str) -> None:
        """Tell who watches that this task has changed; the row says how."""
        self._breaker.ask(lambda: self._redis.publish(CHANNEL, task), None)

    def ask_to_stop(self, task: str, fence: int) -> None:
        """Tell the worker that holds this claim; without Redis it learns from the row, at its next beat."""
        self._breaker.ask(lambda: self._redis.set(_stop_key(task), fence, ex=LIFETIME_SECONDS), None)

    def is_to_stop(self, task: str, fence: int) -> bool:
        """Whether this claim has been asked to stop."""
        asked = self._breaker.ask(lambda: self._redis.get(_stop_key(task)), None)
        return bool(asked == str(fence))

    def show(self, task: str, fence: int, number: int, picture: bytes) -> None:
        """Keep a small picture of what this claim will make, and publish that there is one; no larger than a preview.

        `number` is another one each time.
        """
        if len(picture) <= PREVIEW_BYTES:
            self._breaker.ask(lambda: self._show(task, fence, number, picture), None)

    def preview(self, task: str, fence: int) -> bytes | None:
        """The last small picture of just this claim, or None."""
        asked = ("GET", _preview_key(task, fence))
        found: bytes | None = self._breaker.ask(lambda: self._redis.execute_command(*asked, **BINARY), None)  # type: ignore[no-untyped-call]
        return found

    def forget(self, fences: Mapping[str, int]) -> None:
        """Remove what is known of these claims before its time."""
        keys = [
            key for task, fence in fences.items() for key in (_key(task), _stop_key(task), _preview_key(task, fence))
        ]
        self._breaker.ask(lambda: self._redis.delete(*keys) if keys else 0, 0)

    def _show(self, task: str, fence: int, number: int, picture: bytes) -> None:
        with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.set(_preview_key(task, fence), picture, ex=PREVIEW_SECONDS)
            pipeline.hset(_key(task), "preview", f"{fence}.{number}")
            pipeline.expire(_key(task), LIFETIME_SECONDS)
            pipeline.publish(CHANNEL, task)
            pipeline.execute()

    def _write(self, task: str, progress: Progress) -> Any:
        """The fence that has been asked to stop, if any."""
        key = _key(task)
        fields: dict[Any, Any] = {name: getattr(progress, name) for name in WRITTEN}
        with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.hset(key, mapping=fields)
            pipeline.expire(key, LIFETIME_SECONDS)
            pipeline.publish(CHANNEL, task)
            pipeline.get(_stop_key(task))
            return pipeline.execute()[-1]

    def _fetch(self, tasks: Sequence[str]) -> list[Any]:
        if len(tasks) == 1:
            return [self._fetch_one(_key(tasks[0]))]
        with self._redis.pipeline(transaction=False) as pipeline:
            for task in tasks:
                pipeline.hmget(_key(task), *FIELDS)
            return pipeline.execute()

    def _fetch_one(self, key: str) -> Any:
        """Most polls: past the client's own way, and its pool's, which take twice as long."""
        connection = self._idle.take()
        try:
            connection.send_command("HMGET", key, *FIELDS)
            found = connection.read_response()
        except BaseException as error:
            connection.disconnect()
            self._redis.connection_pool.release(connection)
            if not isinstance(error, RedisError):
                raise
            return self._redis.hmget(key, *FIELDS)  # which connects again
        self._idle.keep(connection)
        return found


def _progress(fields: Sequence[str | None]) -> Progress | None:
    fence, step, steps, phase, preview = fields
    if not (fence and step and steps):
        return None
    shown = preview if preview and preview.startswith(f"{fence}.") else ""
    return Progress(int(fence), int(step), int(steps), phase or "", shown)


def _key(task: str) -> str:
    return f"darkroom:progress:{task}"


def _preview_key(task: str, fence: int) -> str:
    return f"darkroom:preview:{task}:{fence}"


def _stop_key(task: str) -> str:
    return f"darkroom:stop:{task}"
