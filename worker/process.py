"""The process that holds the device: the one place where its parts are built, started and stopped."""

import signal
import uuid
from collections.abc import Callable
from functools import partial

import sqlalchemy
import structlog

from shared import db, tallies
from shared.catalog import Catalog
from shared.claims import Claims
from shared.kept import KeptFiles
from shared.messages import GPU
from shared.progress import ProgressBoard, redis_client
from shared.providers import Provider
from shared.settings import Settings
from shared.storage import storage_of, warn_if_away
from shared.turns import QueueRules
from shared.vault import Vault
from shared.workers import State, Told
from worker.cleaner import Cleaner
from worker.duty import Duty
from worker.eraser import Eraser
from worker.finisher import Finisher
from worker.handback import LastCall, leave
from worker.heartbeat import Heartbeat
from worker.io_jobs import IoJobs
from worker.job import Generator, Jobs
from worker.leases import Leases
from worker.memory import MEGABYTE, Memory, resident
from worker.previews import Previews
from worker.providers import ProviderGenerator
from worker.pulse import Pulse, WatchedEngine
from worker.registry import Registry
from worker.rotation import Rotation
from worker.sweep import Sweep
from worker.trash import Trash

log = structlog.get_logger(__name__)

CLEANING_SECONDS = 60.0
GIVE_BACK_SECONDS = 2.0
STOP_SIGNAL = signal.SIGUSR2  # not SIGTERM: the pool sets that one back after each child's start


class Process:
    """One worker process; its id is made here, in the process itself, so that no successor can inherit it."""

    def __init__(self, settings: Settings, node: str) -> None:
        self._settings = settings
        self._worker_id = uuid.uuid4().hex
        self._storage = storage_of(settings)
        self._duty = Duty()
        self._pulse = Pulse(settings.stall_seconds, settings.load_seconds)
        beats = db.connect(settings.database)  # a connection of its own: no long transaction can hold up a beat
        self._leases = Leases(self._claims(beats), settings.lease_seconds)
        self._memory = Memory(settings.max_worker_memory, self._leases, self._duty)
        self._registry = Registry(beats, self._worker_id, node)
        watched = (self._leases, self._registry, self._duty, self._pulse)
        self._heartbeat = Heartbeat(*watched, self._told, settings.heartbeat_seconds)
        self._last_call = LastCall(STOP_SIGNAL, self._take_no_more, partial(leave, self._leases, self._registry))
        unhurried = db.connect(settings.database)
        vault = Vault.of(settings)
        rotation = Rotation(unhurried, vault)
        sweep = Sweep(self._storage, KeptFiles(unhurried, settings.orphan_hours))
        trash = Trash(unhurried, self._storage, settings.trash_days, settings.result_days)
        eraser = Eraser(unhurried, self._storage, self._board().forget)
        cleaned = (rotation, sweep, trash, eraser, settings.upload_hours)
        self._cleaner = Cleaner(unhurried, self._storage, *cleaned, CLEANING_SECONDS)
        painter = partial(Provider.of, settings=settings)
        providers = ProviderGenerator(db.connect(settings.database), vault, painter)
        self._io_jobs = IoJobs([self._work_on(providers) for _ in range(settings.io_threads)])
        self._jobs: Jobs | None = None
        self._engine: WatchedEngine | None = None
        self._warm = False
        self._missing = ""
        self.left = False
        self._tune: Callable[[], object] = lambda: None

    def start(self) -> None:
        """Free what a dead predecessor held, show the world a live worker, then load the default model."""
        signal.signal(STOP_SIGNAL, self._on_stop_signal)
        self._last_call.listen()
        self._heartbeat.beat()  # in this thread: a thread of its own would have to wait for the imports
        self._heartbeat.start()
        from worker.engine import Engine  # only now, and never in the parent: importing torch takes seconds

        catalog = Catalog.read(self._settings.models_file)
        engine = Engine.of(self._settings, catalog, self._storage, self._previews())
        self._engine = WatchedEngine(engine, self._pulse)
        self._jobs = self._work_on(self._engine)
        self._tune = partial(engine.tune, self._wanted)
        self._heartbeat.announce()
        self._io_jobs.start()
        self._cleaner.start()
        warn_if_away(self._storage)
        self._missing = engine.warm_up()
        self._warm = True
        log.info("worker_ready", worker=self._worker_id, device=engine.device)

    @property
    def jobs(self) -> Jobs:
        """What the hint handlers call. Raises RuntimeError before the start."""
        if self._jobs is None:
            raise RuntimeError("the process has not been started")
        return self._jobs

    def work(self, queue: str) -> None:
        """One turn; `left` says whether more may be waiting after it."""
        self._pulse.tick()
        self.left = self.jobs.look(queue)

    def look(self) -> None:
        """What the device's thread does while no hint comes.

        Raises SystemExit, for the parent to start a fresh process, when this one has grown too large.
        """
        self.work(GPU)
        if self.left:
            return
        self._tune()
        if self._memory.is_outgrown():
            log.warning("worker_outgrown", megabytes=resident() // MEGABYTE)
            raise SystemExit(0)

    def stop(self) -> None:
        """Finish what is encoded and stored, then be gone at once instead of after a lease's length."""
        self._take_no_more()
        if self._jobs is not None:
            self._jobs.finisher.drain()
        self._io_jobs.join(GIVE_BACK_SECONDS)
        self._heartbeat.stop()
        self._cleaner.stop()
        leave(self._leases, self._registry)

    def _on_stop_signal(self, *_: object) -> None:
        if self._jobs is None:
            raise SystemExit(0)  # still importing: there is nothing to give back
        self._take_no_more()

    def _take_no_more(self) -> None:
        self._duty.stopping = True
        self._io_jobs.stop()

    def _wanted(self) -> bool:
        """Whether the device's thread has something better to do than to tune; a look at the queue now and then."""
        self._pulse.load()
        return self._duty.stopping or self._duty.draining or self.jobs.waiting(GPU)

    def _told(self) -> Told:
        loaded = self._engine.loaded if self._engine else ()
        if self._missing in loaded:  # for a task, meanwhile
            self._missing = ""
        loading = not self._warm or (self._engine is not None and self._engine.loading)
        able = State.LOADING if loading else State.IMPAIRED if self._missing else State.IDLE
        state = State.DRAINING if self._duty.draining else able
        return Told(state, loaded, self._leases.ended, resident(), tallies.told())

    def _previews(self) -> Previews | None:
        return Previews(self._board()) if self._settings.previews else None

    def _board(self) -> ProgressBoard:
        return ProgressBoard(redis_client(self._settings.redis_url))

    def _work_on(self, engine: Generator) -> Jobs:
        claims = self._claims(db.connect(self._settings.database))
        progress = self._board()
        finisher = Finisher(claims, self._leases, self._storage, progress.announce)
        return Jobs(claims, self._leases, engine, finisher, progress, self._duty)

    def _claims(self, engine: sqlalchemy.Engine) -> Claims:
        s = self._settings
        rules = QueueRules(s.running_cap, s.warm_seconds, s.lift_seconds)
        return Claims(engine, self._worker_id, s.lease_seconds, s.max_attempts, rules)


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
