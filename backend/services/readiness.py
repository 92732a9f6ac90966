"""Whether the service can do its main job right now, and what is missing if not."""

from collections.abc import Callable

import structlog
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, TimeoutError
from sqlalchemy.orm import Session

from shared.clock import database_now
from shared.models import Worker
from shared.storage import Storage

log = structlog.get_logger(__name__)

AWAY = (DBAPIError, TimeoutError, RedisError, OSError)


class NoWorker(OSError):
    """No worker has beaten within a lease's length."""


class Readiness:
    """The checks of everything that a task needs."""

    def __init__(self, session: Session, redis: Redis, storage: Storage, lease_seconds: float) -> None:
        self._session = session
        self._redis = redis
        self._storage = storage
        self._lease_seconds = lease_seconds

    def checks(self) -> dict[str, str]:
        """`ok` or `missing` for each part."""
        parts: dict[str, Callable[[], object]] = {
            "database": lambda: self._session.execute(select(1)),
            "broker": self._redis.ping,
            "storage": self._storage.probe,
            "worker": self._live_worker,
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

    def _live_worker(self) -> None:
        alive = Worker.beat_at > database_now(-self._lease_seconds)
        if self._session.scalar(select(Worker.id).where(alive).limit(1)) is None:
            raise NoWorker
