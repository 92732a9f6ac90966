"""A worker in this process over a database, a broker and files of its own; what a hint would start, a call starts."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy
from sqlalchemy import func, select

from shared import db, migrations
from shared.catalog import Catalog
from shared.claims import Claims
from shared.lifecycle import Status
from shared.models import Task
from shared.progress import ProgressBoard, redis_client
from shared.settings import Settings
from shared.storage import LocalStorage
from tests.orders import add_task, add_user
from tests.servers import embedded_broker
from worker.duty import Duty
from worker.engine import Engine, Options
from worker.finisher import Finisher
from worker.job import Jobs
from worker.leases import Leases
from worker.previews import Previews

SECRET = "a secret of the benchmark, long enough to be one"
LEASE_SECONDS = 600.0


@dataclass(frozen=True)
class Work:
    """Tasks to queue: so many, of so many users, all alike but for prompts and seeds."""

    model: str
    side: int
    steps: int
    tasks: int
    sampling_method: str
    users: int = 1
    guidance_scale: float = 2.5


class Workbench:
    """The parts of a worker around an engine."""

    def __init__(self, folder: Path, broker: str, catalog: Catalog, device: str, options: Options) -> None:
        settings = Settings(_env_file=None, secret_key=SECRET, data_dir=folder, broker_url=broker)
        self._database: sqlalchemy.Engine = db.connect(settings.database)
        storage = LocalStorage(folder / "files")
        claims = Claims(self._database, "bench", LEASE_SECONDS, 3)
        leases = Leases(claims, LEASE_SECONDS)
        board = ProgressBoard(redis_client(settings.redis_url))
        self.engine = Engine(catalog, storage, device, options, Previews(board))
        finisher = Finisher(claims, leases, storage, board.announce)
        self._jobs = Jobs(claims, leases, self.engine, finisher, board, Duty())

    def seconds(self, work: Work) -> float:
        """From the first submit until the last file is stored. Raises RuntimeError when a task fails."""
        users = [add_user(self._database) for _ in range(work.users)]
        since = time.perf_counter()
        self._queue(work, users)
        while self._jobs.work("gpu"):
            pass
        took = time.perf_counter() - since
        self._check()
        return took

    def _queue(self, work: Work, users: Sequence[int]) -> None:
        chosen = {"width": work.side, "height": work.side, "steps": work.steps, "guidance_scale": work.guidance_scale}
        for number in range(work.tasks):
            own = {"model": work.model, "sampling_method": work.sampling_method, "seed": number, **chosen}
            add_task(self._database, users[number % len(users)], prompt=f"a red circle, number {number}", **own)

    def _check(self) -> None:
        with self._database.connect() as connection:
            other = select(func.count()).select_from(Task).where(Task.status != Status.COMPLETED)
            if count := connection.scalar(other):
                raise RuntimeError(f"{count} tasks were not completed")


@contextmanager
def workbench(catalog: Catalog, device: str, options: Options | None = None, batch: int = 1) -> Iterator[Workbench]:
    """One whose models make at most `batch` pictures in a call."""
    models = {name: model.model_copy(update={"max_batch": batch}) for name, model in catalog.models.items()}
    with ExitStack() as servers:
        folder = Path(servers.enter_context(tempfile.TemporaryDirectory(prefix="darkroom-bench-")))
        migrations.upgrade(db.connect(f"sqlite:///{folder / 'darkroom.db'}"))
        broker = servers.enter_context(embedded_broker(folder))
        yield Workbench(folder, broker, replace(catalog, models=models), device, options or Options())
