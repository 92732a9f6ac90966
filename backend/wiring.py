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
from backend.services.avatar_urls import AvatarUrls
from backend.services.avatars import Avatars
from backend.services.captchas import Captchas
from backend.services.codes import Codes
from backend.services.favorites import Favorites
from backend.services.files import Files
from backend.services.generations import Generations
from backend.services.history import History
from backend.services.links import Links
from backend.services.mail import LogMailer, Mailer
from backend.services.models import Models
from backend.services.orders import Orders
from backend.services.patience import Patience
from backend.services.pictures import Pictures
from backend.services.profiles import Profiles
from backend.services.prompts import Prompts
from backend.services.provider_keys import ProviderKeys
from backend.services.readiness import Readiness
from backend.services.references import References
from backend.services.sign_ups import SignUps
from backend.services.smtp import SmtpMailer
from backend.services.tasks import Tasks
from backend.services.uploads import Uploads
from backend.services.verification import Verification
from backend.services.waiting import Waiting
from backend.watch import Watch
from shared import db
from shared.addresses import Addresses
from shared.catalog import Catalog
from shared.fetcher import Fetcher
from shared.progress import Channel, ProgressBoard, redis_client
from shared.queue import Queue, celery_app
from shared.room import Room
from shared.settings import Settings
from shared.storage import LocalStorage, Storage
from shared.vault import Vault

PROVIDER_PATIENCE_SECONDS = 1.0


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
    vault: Vault
    mailer: Mailer
    pictures: Pictures
    fetcher: Fetcher
    provider_room: Room
    addresses: Addresses
    patience: Patience
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
            vault=Vault.of(settings),
            mailer=SmtpMailer(settings) if settings.smtp_host else LogMailer(),
            pictures=Pictures(settings.upload_max_megapixels),
            fetcher=Fetcher(),
            provider_room=Room(max(1, settings.web_threads // 4), PROVIDER_PATIENCE_SECONDS),
            addresses=Addresses(),
            patience=Patience(redis, settings.limits),
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
        return Accounts(self._session, self.codes, self.avatars, self._resources.patience)

    @cached_property
    def sign_ups(self) -> SignUps:
        return SignUps(self.accounts, self.captchas, self._resources.settings.captcha_required)

    @cached_property
    def captchas(self) -> Captchas:
        return Captchas(self._resources.redis)

    @cached_property
    def avatar_urls(self) -> AvatarUrls:
        return AvatarUrls(self.accounts, self._resources.addresses)

    @cached_property
    def avatars(self) -> Avatars:
        return Avatars(self._resources.storage, self._resources.pictures)

    @cached_property
    def codes(self) -> Codes:
        r = self._resources
        secret = r.settings.secret_key.get_secret_value()
        return Codes(self._session, r.mailer, code_mail, secret, limited=r.settings.limits)

    @cached_property
    def generations(self) -> Generations:
        r = self._resources
        return Generations(self._session, self.tasks, self.orders, self.references, r.queue, r.progress)

    @cached_property
    def tasks(self) -> Tasks:
        return Tasks(self._session, self._resources.progress, self._resources.links)

    @cached_property
    def orders(self) -> Orders:
        r = self._resources
        return Orders(r.catalog, self.references, self.provider_keys, r.settings.prompt_max_length)

    @cached_property
    def provider_keys(self) -> ProviderKeys:
        r = self._resources
        return ProviderKeys(self._session, r.vault, r.settings, r.provider_room)

    @cached_property
    def prompts(self) -> Prompts:
        return Prompts(self.provider_keys, self._resources.settings.prompt_max_length)

    @cached_property
    def profiles(self) -> Profiles:
        return Profiles(self._session)

    @cached_property
    def verification(self) -> Verification:
        return Verification(self._session, self.codes, self.accounts)

    @cached_property
    def models(self) -> Models:
        return Models(self._resources.catalog)

    @cached_property
    def waiting(self) -> Waiting:
        return Waiting(self._session, self.tasks, self._resources.watch)

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
