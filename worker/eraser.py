"""Removes for good what erased users had. Several workers may be at it, and each round goes on where one has ended.

Here a file goes before its row, and it is looked whether it has: who dies in between leaves a row, whose file is then
removed once more. The user's own row goes last, when no table has anything of theirs.
"""

import errno
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, delete, false, select, update
from sqlalchemy.orm import InstrumentedAttribute

from shared.clock import database_now
from shared.db import write
from shared.erasure import SETTLE_SECONDS, anonymise, remaining
from shared.errors import NotFound
from shared.kept import AVATARS_URL, avatar_key, entries, results_folder
from shared.lifecycle import ENDED, Status, move
from shared.models import Favorite, ProviderKey, Share, Task, TrashedFavorite, TrashItem, Upload, User
from shared.storage import Storage

log = structlog.get_logger(__name__)

ROUND_SECONDS = 30.0  # after which other housekeeping has its turn
USERS = 500  # looked at in one round
BATCH = 500  # rows of a transaction
TASKS = 100  # each has several files
THREADS = 8  # that remove files: a bucket answers each in some milliseconds

Forget = Callable[[Mapping[str, int]], object]
Step = Callable[[int], int]


class Eraser:
    """For all users; `forget` makes the broker forget these claims (their fences by task)."""

    def __init__(
        self,
        engine: Engine,
        storage: Storage,
        forget: Forget,
        settle: float = SETTLE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._storage = storage
        self._forget = forget
        self._settle = settle
        self._clock = clock
        self._steps: dict[str, Step] = {  # what refers to something before that
            "trash": self._remove_trash,
            "favorites": self._remove_favorites,
            "tasks": self._remove_tasks,
            "uploads": self._remove_uploads,
            "provider_keys": lambda user_id: self._remove(ProviderKey.user_id, user_id),
            "shares": lambda user_id: self._remove(Share.user_id, user_id),
            "avatars": self._remove_avatar,
        }

    def advance(self, stopped: Callable[[], bool] = lambda: False) -> int:
        """Goes on with erased users for as long as a round may take. Returns how many are gone altogether."""
        with self._engine.connect() as connection:
            erased = select(User.id).where(User.erased_at.is_not(None)).order_by(User.erased_at).limit(USERS)
            found = list(connection.scalars(erased))
        random.shuffle(found)  # so that workers begin with different ones, and nobody waits behind a hopeless one
        ends = self._clock() + ROUND_SECONDS
        return sum(self._erase(user_id, lambda: stopped() or self._clock() >= ends) for user_id in found)

    def _erase(self, user_id: int, over: Callable[[], bool]) -> bool:
        """Whether nothing is left."""
        if over() or self._runs(user_id):
            return False
        removed: Counter[str] = Counter()
        try:
            done = self._remove_all(user_id, removed, over)
        except OSError as error:  # the row stays, and with it the next round's chance
            log.error("account_not_erased", user_id=user_id, error=str(error), **removed)
            return False
        if done and self._finish(user_id):
            log.info("account_erased", user_id=user_id, **removed)
            return True
        if removed:
            log.info("account_being_erased", user_id=user_id, **removed)
        return False

    def _runs(self, user_id: int) -> bool:
        """Whether a task of theirs still does. It is asked to stop, and what may have come to wait is cancelled."""
        theirs, now = Task.user_id == user_id, database_now()
        with self._alone(user_id) as connection:
            connection.execute(move(Status.QUEUED, Status.CANCELLED, theirs, finished_at=now))
            running = (theirs, Task.status == Status.PROCESSING)
            unasked = update(Task).where(*running, Task.cancel_requested == false())
            connection.execute(unasked.values(cancel_requested=True, updated_at=now))
            return connection.scalar(select(Task.id).where(*running).limit(1)) is not None

    def _remove_all(self, user_id: int, removed: Counter[str], over: Callable[[], bool]) -> bool:
        """Whether it came to an end in time."""
        for name, step in self._steps.items():
            while count := step(user_id):
                removed[name] += count
                if over():
                    return False
        return True

    def _finish(self, user_id: int) -> bool:
        """Remove the user's row, if it is the only one that knows them; nobody can add one meanwhile."""
        settled = (User.id == user_id, User.avatar_url.is_(None), User.erased_at <= database_now(-self._settle))
        with write(self._engine) as connection:
            locked = select(User.id).where(*settled).with_for_update(skip_locked=True)
            if connection.scalar(locked) is None:
                return False
            anonymise(connection, user_id)
            if left := remaining(connection, user_id):
                log.error("account_not_erased", user_id=user_id, left=left)
                return False
            connection.execute(delete(User).where(User.id == user_id))
        return True

    def _remove_trash(self, user_id: int) -> int:
        items = self._some(TrashItem.id, TrashItem.user_id == user_id)
        with self._alone(user_id) as connection:
            connection.execute(delete(TrashedFavorite).where(TrashedFavorite.item_id.in_(items)))
            return connection.execute(delete(TrashItem).where(TrashItem.id.in_(items))).rowcount

    def _remove_favorites(self, user_id: int) -> int:
        nodes = self._some(Favorite.id, Favorite.user_id == user_id)
        with self._alone(user_id) as connection:
            connection.execute(update(Favorite).where(Favorite.parent_id.in_(nodes)).values(parent_id=None))
            return connection.execute(delete(Favorite).where(Favorite.id.in_(nodes))).rowcount

    def _remove_tasks(self, user_id: int) -> int:
        columns: tuple[Any, ...] = (Task.id, Task.public_id, Task.status, Task.fence, Task.results)
        ended = select(*columns).where(Task.user_id == user_id, Task.status.in_(ENDED)).order_by(Task.id)
        with self._engine.connect() as connection:
            rows = connection.execute(ended.limit(TASKS)).all()
        self._remove_files([*(entry["key"] for row in rows for entry in entries(row.results)), *self._left_over(rows)])
        self._forget({row.public_id: row.fence for row in rows})
        with self._alone(user_id) as connection:
            return connection.execute(delete(Task).where(Task.id.in_([row.id for row in rows]))).rowcount

    def _left_over(self, rows: Iterable[Any]) -> list[str]:
        """The files of attempts that came to nothing, where there were any."""
        tried = {row.public_id for row in rows if row.fence > (row.status == Status.COMPLETED)}
        folders = {results_folder(task) for task in tried}
        keys = [file.key for folder in folders for file in self._storage.files(folder)]
        return [key for key in keys if PurePosixPath(key).name.partition(".")[0] in tried]

    def _remove_uploads(self, user_id: int) -> int:
        with self._engine.connect() as connection:
            theirs = select(Upload.id, Upload.key).where(Upload.user_id == user_id).order_by(Upload.id)
            rows = connection.execute(theirs.limit(BATCH)).all()
        self._remove_files([row.key for row in rows])
        with self._alone(user_id) as connection:
            return connection.execute(delete(Upload).where(Upload.id.in_([row.id for row in rows]))).rowcount

    def _remove_avatar(self, user_id: int) -> int:
        with self._engine.connect() as connection:
            url = connection.scalar(select(User.avatar_url).where(User.id == user_id))
        if url is None:
            return 0
        self._remove_files([avatar_key(url.removeprefix(AVATARS_URL))] if url.startswith(AVATARS_URL) else [])
        with self._alone(user_id) as connection:
            same = (User.id == user_id, User.avatar_url == url)
            return connection.execute(update(User).where(*same).values(avatar_url=None)).rowcount

    def _remove(self, column: InstrumentedAttribute[int], user_id: int) -> int:
        """What there are only a few of."""
        with self._alone(user_id) as connection:
            return connection.execute(delete(column.class_).where(column == user_id)).rowcount

    @contextmanager
    def _alone(self, user_id: int) -> Iterator[Connection]:
        """A transaction that writes. Workers that are at the same user wait for its end, instead of for each other."""
        with write(self._engine) as connection:
            connection.execute(select(User.id).where(User.id == user_id).with_for_update())
            yield connection

    def _some(self, key: InstrumentedAttribute[int], theirs: Any) -> Sequence[int]:
        with self._engine.connect() as connection:
            return connection.scalars(select(key).where(theirs).order_by(key).limit(BATCH)).all()

    def _remove_files(self, keys: Sequence[str]) -> None:
        """Raises OSError where one is still there afterwards."""
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(self._remove_file, keys))

    def _remove_file(self, key: str) -> None:
        self._storage.delete(key)
        try:
            self._storage.size(key)
        except NotFound:
            return
        raise OSError(errno.EEXIST, f"{key} is still there")
