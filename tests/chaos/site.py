"""The service under test: the real start.sh once for the web tier and one worker, and once for each further worker.

The real supervisor, so that what restarts what, and how soon, is what an operator gets. This module finds its
processes; it hurts none of them.
"""

import subprocess
import threading
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import redis
from sqlalchemy import Engine, func, select

from shared import db
from shared.clock import database_now
from shared.models import Worker
from shared.settings import ROOT
from shared.storage import LocalStorage
from shared.workers import State
from tests.chaos.clock import SettableClock
from tests.chaos.disk import SmallDisk
from tests.chaos.models import CLASSES_FOLDER
from tests.chaos.stacks import Production, Servers
from tests.end_to_end.service import Service, living
from tests.servers import until

READY_SECONDS = 120
PARENT = "-m worker"


@dataclass(frozen=True)
class Tree:
    """One worker: the parent and the child that holds the device, which may be missing for a moment."""

    parent: psutil.Process
    child: psutil.Process | None

    @property
    def processes(self) -> list[psutil.Process]:
        return [self.parent, *([self.child] if self.child else [])]


class Site:
    """Runs while entered; everything lies in one folder."""

    def __init__(
        self, folder: Path, servers: Servers, disk: SmallDisk, clock: SettableClock, workers: int, **settings: str
    ) -> None:
        self.folder = folder
        self.servers = servers
        self.disk = disk
        self.clock = clock
        self.workers = workers
        self.files_folder = folder / "data" / "files"
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        own = {"PYTHONPATH": str(CLASSES_FOLDER), "TMPDIR": str(self.temporary)}
        self.service = Service(folder / "data", **own, **servers.environment(folder / "data"), **settings)
        self._others: list[subprocess.Popen[bytes]] = []
        self._engine: Engine | None = None

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.end()

    @property
    def url(self) -> str:
        return self.service.url

    @property
    def storage(self) -> LocalStorage:
        return LocalStorage(self.files_folder)

    @property
    def engine(self) -> Engine:
        """The database, seen from outside."""
        if self._engine is None:
            url = self.service.environment.get("DATABASE_URL") or f"sqlite:///{self.folder / 'data' / 'darkroom.db'}"
            self._engine = db.connect(url)
        return self._engine

    @property
    def broker(self) -> redis.Redis:
        url = self.service.environment.get("BROKER_URL") or f"unix://{self.folder / 'data' / 'run' / 'broker.sock'}"
        return redis.Redis.from_url(url, socket_timeout=2)

    def trees(self) -> list[Tree]:
        """The workers that there are now."""
        return [Tree(parent, _device_child(parent)) for parent in self._find(lambda line: line.endswith(PARENT))]

    def web(self) -> list[psutil.Process]:
        """gunicorn: the first process and those that answer."""
        found = self._find(lambda line: "gunicorn" in line)
        first = [process for process in found if process.parent() and process.parent().pid == self.service.root.pid]
        return first + [process for process in found if process not in first]

    def embedded_broker(self) -> list[psutil.Process]:
        return self._find(lambda line: "broker.sock" in line and "valkey" in line)

    def everything(self) -> list[psutil.Process]:
        roots = [psutil.Process(process.pid) for process in self._others if process.poll() is None]
        return [*self.service.processes(), *(each for root in roots for each in [root, *root.children(recursive=True)])]

    def wait_for_workers(self, seconds: float = READY_SECONDS) -> None:
        """Until each worker's device process beats and has loaded its first model."""

        def are_ready() -> bool:
            children = [tree.child.pid for tree in self.trees() if tree.child]
            return len(children) == self.workers == self._ready(children)

        until(are_ready, f"{self.workers} workers", seconds)

    def _ready(self, children: Sequence[int]) -> int:
        loaded = (Worker.pid.in_(children), Worker.state != State.LOADING, Worker.beat_at > database_now(-5))
        with self.engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(Worker).where(*loaded)) or 0

    def end(self) -> None:
        """Whatever happened, nothing is left running."""
        with suppress(AssertionError, psutil.NoSuchProcess):
            everything = self.everything()
            for process in everything:
                with suppress(psutil.NoSuchProcess):
                    process.resume()
            for process in self._others:
                process.terminate()
            self.service.end()
            for process in living(everything, seconds=30):
                process.kill()
        for process in self._others:
            process.wait(timeout=30)
        if self._engine is not None:
            self._engine.dispose()

    def _start(self) -> None:
        """The further workers as soon as the database has its tables, while the first one still loads."""
        others = threading.Thread(target=self._start_others)
        others.start()
        self.service.start()
        others.join()
        self.wait_for_workers()

    def _start_others(self) -> None:
        until(lambda: urllib.request.urlopen(f"{self.url}/healthz", timeout=2), "the web tier", READY_SECONDS)
        for number in range(1, self.workers):
            environment = self.service.environment
            if number == self.workers - 1 and isinstance(self.servers, Production):
                environment = {**environment, **self.clock.environment}
            with (self.folder / f"worker-{number}.log").open("wb") as log:
                command = [str(ROOT / "start.sh"), "worker"]
                process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
            self._others.append(process)

    def _find(self, matches: Callable[[str], bool]) -> list[psutil.Process]:
        return [process for process in self.everything() if matches(_line(process))]


def _line(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        return " ".join(process.cmdline())
    return ""


def _device_child(parent: psutil.Process) -> psutil.Process | None:
    with suppress(psutil.NoSuchProcess):
        return next((child for child in parent.children() if "spawn_main" in _line(child)), None)
    return None


def node_of(child: psutil.Process) -> str:
    """The worker's name in the database."""
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return str(child.environ().get("DARKROOM_NODE", ""))
    return ""
