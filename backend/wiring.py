"""The one place that builds a service from session, queue, storage and catalogue."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self, cast

from flask import current_app, g
from redis import Redis
from sqlalchemy.orm import Session

from backend.database import sql
from backend.services.accounts import Accounts
from backend.services.generations import Generations
from backend.services.readiness import Readiness
from backend.services.results import Results
from shared.catalog import Catalog
from shared.progress import ProgressBoard, redis_client
from shared.queue import Queue, celery_app
from shared.settings import Settings
from shared.storage import LocalStorage, Storage


@dataclass(frozen=True)
class Resources:
    """What lives as long as the app and is shared by all requests."""

    settings: Settings
    catalog: Catalog
    queue: Queue
    redis: Redis
    progress: ProgressBoard
    storage: Storage

    @classmethod
    def of(cls, settings: Settings) -> Self:
        redis = redis_client(settings.redis_url)
        return cls(
            settings=settings,
            catalog=Catalog.read(settings.models_file),
            queue=Queue(celery_app(settings.celery_url)),
            redis=redis,
            progress=ProgressBoard(redis),
            storage=LocalStorage(settings.data_dir / "files"),
        )


class Services:
    """The services of one request, made when first asked for."""

    def __init__(self, resources: Resources, session: Session) -> None:
        self._resources = resources
        self._session = session

    @cached_property
    def accounts(self) -> Accounts:
        return Accounts(self._session)

    @cached_property
    def generations(self) -> Generations:
        r = self._resources
        return Generations(self._session, r.catalog, r.queue, r.progress, r.settings.prompt_max_length)

    @cached_property
    def results(self) -> Results:
        return Results(self._session, self._resources.storage)

    @cached_property
    def readiness(self) -> Readiness:
        r = self._resources
        return Readiness(self._session, r.redis, r.storage, r.settings.lease_seconds)


def services() -> Services:
    """The current request's services."""
    if "services" not in g:
        g.services = Services(current_app.extensions["darkroom"], sql.session())
    return cast(Services, g.services)
