"""The one place that builds a service from session, queue, storage and catalogue."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self, cast

from flask import current_app, g
from redis import Redis
from sqlalchemy.orm import Session

from backend.database import sql
from backend.mail_texts import code_mail
from backend.services.accounts import Accounts
from backend.services.codes import Codes
from backend.services.favorites import Favorites
from backend.services.fetcher import Fetcher
from backend.services.files import Files
from backend.services.generations import Generations
from backend.services.history import History
from backend.services.links import Links
from backend.services.mail import LogMailer, Mailer
from backend.services.models import Models
from backend.services.pictures import Pictures
from backend.services.readiness import Readiness
from backend.services.references import References
from backend.services.smtp import SmtpMailer
from backend.services.uploads import Uploads
from backend.services.waiting import Waiting
from backend.watch import Watch
from shared import db
from shared.catalog import Catalog
from shared.progress import Channel, ProgressBoard, redis_client
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
    links: Links
    mailer: Mailer
    pictures: Pictures
    fetcher: Fetcher
    watch: Watch

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
            links=Links(settings.secret_key.get_secret_value(), settings.link_minutes),
            mailer=SmtpMailer(settings) if settings.smtp_host else LogMailer(),
            pictures=Pictures(settings.upload_max_megapixels),
            fetcher=Fetcher(),
            watch=Watch(Channel(redis), lambda: db.connect(settings.database), settings.web_watchers),
        )

    def close(self) -> None:
        """The process is about to end."""
        self.watch.close()
        self.watch.join()


class Services:
    """The services of one request, made when first asked for."""

    def __init__(self, resources: Resources, session: Session) -> None:
        self._resources = resources
        self._session = session

    @cached_property
    def accounts(self) -> Accounts:
        return Accounts(self._session, self.codes)

    @cached_property
    def codes(self) -> Codes:
        r = self._resources
        secret = r.settings.secret_key.get_secret_value()
        return Codes(self._session, r.mailer, code_mail, secret, limited=r.settings.limits)

    @cached_property
    def generations(self) -> Generations:
        r, limit = self._resources, self._resources.settings.prompt_max_length
        return Generations(self._session, r.catalog, r.queue, r.progress, r.links, self.references, limit)

    @cached_property
    def models(self) -> Models:
        return Models(self._resources.catalog)

    @cached_property
    def waiting(self) -> Waiting:
        return Waiting(self._session, self.generations, self._resources.watch)

    @cached_property
    def references(self) -> References:
        return References(self._session, self.files, self.uploads)

    @cached_property
    def uploads(self) -> Uploads:
        r = self._resources
        return Uploads(self._session, r.storage, r.pictures, r.fetcher if r.settings.fetch_images else None)

    @cached_property
    def files(self) -> Files:
        return Files(self._session, self._resources.storage)

    @cached_property
    def history(self) -> History:
        return History(self._session, self.links, self.favorites)

    @cached_property
    def favorites(self) -> Favorites:
        return Favorites(self._session, self.files, self._resources.settings.favorites_max)

    @cached_property
    def links(self) -> Links:
        return self._resources.links

    @property
    def settings(self) -> Settings:
        return self._resources.settings

    @cached_property
    def readiness(self) -> Readiness:
        r = self._resources
        return Readiness(self._session, r.redis, r.storage, r.settings.lease_seconds)


def services() -> Services:
    """The current request's services."""
    if "services" not in g:
        g.services = Services(current_app.extensions["darkroom"], sql.session())
    return cast(Services, g.services)
