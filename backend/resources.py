"""What lives as long as the app: connections, and what is read once."""

from dataclasses import dataclass
from typing import Self

from redis import Redis

from backend.reads import Reads
from backend.services.administration.usage import Usage
from backend.services.blocked import Blocked
from backend.services.forecasts import Forecasts
from backend.services.links import Links
from backend.services.mail import LogMailer, Mailer
from backend.services.patience import Patience
from backend.services.pictures import Pictures
from backend.services.places import Places
from backend.services.recent import RecentProgress
from backend.services.smtp import SmtpMailer
from backend.services.takeout_turns import TakeOutTurns
from backend.services.task_rows import TaskRows
from backend.watch import Watch
from shared import db
from shared.addresses import Addresses, addresses_of
from shared.catalog import Catalog
from shared.fetcher import Fetcher
from shared.progress import Channel, ProgressBoard, redis_client
from shared.queue import Queue, celery_app
from shared.room import Room
from shared.settings import Settings
from shared.storage import Storage, storage_of
from shared.vault import Vault

PATIENCE_SECONDS = 1.0


@dataclass(frozen=True)
class Resources:
    """What lives as long as the app and is shared by all requests."""

    settings: Settings
    reads: Reads
    task_rows: TaskRows
    forecasts: Forecasts
    catalog: Catalog
    blocked: Blocked
    queue: Queue
    redis: Redis
    progress: ProgressBoard
    recent: RecentProgress
    storage: Storage
    links: Links
    vault: Vault
    mailer: Mailer
    pictures: Pictures
    fetcher: Fetcher
    provider_room: Room
    takeout_turns: TakeOutTurns
    addresses: Addresses
    patience: Patience
    usage: Usage
    watch: Watch

    @classmethod
    def of(cls, settings: Settings) -> Self:
        redis, reads = redis_client(settings.redis_url), Reads.of(settings.database, settings.web_threads)
        storage, addresses = storage_of(settings), addresses_of(())
        progress = ProgressBoard(redis)
        watch = Watch(Channel(redis), lambda: db.connect(settings.database), settings.web_watchers)
        return cls(
            settings=settings,
            reads=reads,
            task_rows=TaskRows(reads, Places(reads)),
            forecasts=Forecasts(reads, settings.lease_seconds),
            catalog=Catalog.read(settings.models_file),
            blocked=Blocked.of(settings.blocked_prompts_file),
            queue=Queue(celery_app(settings.celery_url)),
            redis=redis,
            progress=progress,
            recent=RecentProgress(progress, watch),
            storage=storage,
            links=Links(settings.secret_key.get_secret_value(), settings.link_minutes),
            vault=Vault.of(settings),
            mailer=SmtpMailer(settings) if settings.smtp_host else LogMailer(),
            pictures=Pictures(settings.upload_max_megapixels),
            fetcher=Fetcher(addresses),
            provider_room=Room(max(1, settings.web_threads // 4), PATIENCE_SECONDS),
            takeout_turns=TakeOutTurns(redis, Room(max(1, settings.web_threads // 8), PATIENCE_SECONDS)),
            addresses=addresses,
            patience=Patience(redis, settings.limits),
            usage=Usage(reads, storage),
            watch=watch,
        )

    def close(self) -> None:
        """The process is about to end."""
        self.watch.close()
        self.watch.join()
        self.reads.close()
