"""The process that holds the device: the one place where its parts are built, started and stopped."""

import signal
import uuid
from functools import partial

import sqlalchemy
import structlog

from shared import db
from shared.catalog import Catalog
from shared.claims import Claims
from shared.progress import ProgressBoard, redis_client
from shared.providers import Provider
from shared.queue import Queue, celery_app
from shared.settings import Settings
from shared.storage import LocalStorage
from shared.vault import Vault
from worker.cleaner import Cleaner
from worker.errors import EngineError
from worker.finisher import Finisher
from worker.heartbeat import Heartbeat
from worker.io_jobs import IoJobs
from worker.job import Generator, Jobs
from worker.leases import Leases
from worker.providers import ProviderGenerator
from worker.registry import Registry
from worker.rotation import Rotation

log = structlog.get_logger(__name__)

CLEANING_SECONDS = 60.0
GIVE_BACK_SECONDS = 2.0
STOP_SIGNAL = signal.SIGUSR2  # not SIGTERM: the pool sets that one back after each child's start


class Process:
    """One worker process; its id is made here, in the process itself, so that no successor can inherit it."""

    def __init__(self, settings: Settings, node: str) -> None:
        self._settings = settings
        self._worker_id = uuid.uuid4().hex
        self._storage = LocalStorage(settings.data_dir / "files")
        self._queue = Queue(celery_app(settings.celery_url))
        beats = db.connect(settings.database)  # a connection of its own: no long transaction can hold up a beat
        self._leases = Leases(self._claims(beats), settings.lease_seconds)
        self._registry = Registry(beats, self._worker_id, node)
        self._heartbeat = Heartbeat(self._leases, self._registry, self._queue, settings.heartbeat_seconds)
        unhurried = db.connect(settings.database)
        vault = Vault.of(settings)
        rotation = Rotation(unhurried, vault)
        self._cleaner = Cleaner(unhurried, self._storage, rotation, settings.upload_hours, CLEANING_SECONDS)
        painter = partial(Provider.of, settings=settings)
        providers = ProviderGenerator(db.connect(settings.database), vault, painter)
        self._io_jobs = IoJobs([self._work_on(providers) for _ in range(settings.io_threads)])
        self._jobs: Jobs | None = None

    def start(self) -> None:
        """Free what a dead predecessor held, show the world a live worker, then load the default model."""
        signal.signal(STOP_SIGNAL, self._on_stop_signal)
        self._heartbeat.beat()  # in this thread: a thread of its own would have to wait for the imports
        self._heartbeat.start()
        from worker.engine import Engine  # only now, and never in the parent: importing torch takes seconds

        engine = Engine(Catalog.read(self._settings.models_file), self._storage, self._settings.device)
        self._jobs = self._work_on(engine)
        self._heartbeat.announce()
        self._io_jobs.start()
        self._cleaner.start()
        try:
            engine.warm_up()
        except EngineError as error:
            log.error("model_unavailable", model=error.model, error=str(error))
        log.info("worker_ready", worker=self._worker_id, device=engine.device)

    @property
    def jobs(self) -> Jobs:
        """What the hint handlers call. Raises RuntimeError before the start."""
        if self._jobs is None:
            raise RuntimeError("the process has not been started")
        return self._jobs

    def stop(self) -> None:
        """Finish what is encoded and stored, then be gone at once instead of after a lease's length."""
        if self._jobs is not None:
            self._jobs.finisher.drain()
        self._io_jobs.stop()
        self._io_jobs.join(GIVE_BACK_SECONDS)
        self._heartbeat.stop()
        self._registry.leave()
        self._cleaner.stop()

    def _on_stop_signal(self, *_: object) -> None:
        if self._jobs is None:
            raise SystemExit(0)  # still importing: there is nothing to give back
        self._jobs.stop()
        self._io_jobs.stop()

    def _work_on(self, engine: Generator) -> Jobs:
        claims = self._claims(db.connect(self._settings.database))
        progress = ProgressBoard(redis_client(self._settings.redis_url))
        finisher = Finisher(claims, self._leases, self._storage, progress.announce)
        return Jobs(claims, self._leases, engine, finisher, progress, self._queue)

    def _claims(self, engine: sqlalchemy.Engine) -> Claims:
        return Claims(engine, self._worker_id, self._settings.lease_seconds, self._settings.max_attempts)


_processes: list[Process] = []


def start(settings: Settings, node: str) -> None:
    """Make this process a worker."""
    _processes.append(Process(settings, node))
    current().start()


def current() -> Process:
    """The worker that this process is."""
    return _processes[-1]


def stop() -> None:
    """Leave in order."""
    while _processes:
        _processes.pop().stop()
