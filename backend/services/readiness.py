"""Whether the service can do its main job right now, and what is missing if not."""

from collections.abc import Callable

import structlog
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, TimeoutError
from sqlalchemy.orm import Session

from shared.storage import Storage
from shared.workers import ABLE, State, Workers

log = structlog.get_logger(__name__)

AWAY = (DBAPIError, TimeoutError, RedisError, OSError)


class NoWorker(OSError):
    """No worker lives that takes tasks."""


class Readiness:
    """The checks of everything that a task needs."""

    def __init__(self, session: Session, redis: Redis, storage: Storage, workers: Workers) -> None:
        self._session = session
        self._redis = redis
        self._storage = storage
        self._workers = workers

    def workers(self) -> dict[State, int]:
        """How many workers are at what; none are known while the database is away."""
        try:
            return self._workers.count()
        except AWAY:
            self._session.rollback()
            return {}

    def checks(self, workers: dict[State, int]) -> dict[str, str]:
        """`ok` or `missing` for each part."""
        parts: dict[str, Callable[[], object]] = {
            "database": lambda: self._session.execute(select(1)),
            "broker": self._redis.ping,
            "storage": self._storage.probe,
            "worker": lambda: _demand_able(workers),
        }
        return {name: self._check(name, probe) for name, probe in parts.items()}

    def _check(self, name: str, probe: Callable[[], object]) -> str:
        try:
            probe()
        except AWAY as error:
            self._session.rollback()
            log.debug("not_ready", part=name, error=type(error).__name__)
            return "missing"
        return "ok"


def _demand_able(workers: dict[State, int]) -> None:
    if not any(workers.get(state) for state in ABLE):
        raise NoWorker
