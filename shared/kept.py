"""Which files the rows know: tasks' results with their thumbnails, uploads, avatars. The one home of that question.

A file is written before its row tells of it and removed after, so one that no row knows is either very young or was
left over by somebody who died in between.
"""

import hashlib
import secrets
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from shared.lifecycle import Status
from shared.models import Task, Upload, User
from shared.storage import Stored

AVATARS_URL = "/api/uploads/avatars/"
BATCH = 500
RESULTS = select(Task.id, Task.public_id, Task.results).where(Task.has_result.is_(True))


@dataclass(frozen=True)
class Kept:
    """A file as its row has it; an avatar's row knows nothing but the key."""

    owner: str
    key: str
    size: int | None = None
    sha256: str | None = None


def avatar_key(name: str) -> str:
    """The key of the avatar whose url ends so."""
    return f"avatars/{name[:2]}/{name}"


def results_folder(task: str) -> str:
    """Where the files of this task are, whichever attempt has made them."""
    return f"results/{hashlib.sha256(task.encode()).hexdigest()[:2]}"


def entries(results: Sequence[Mapping[str, Any]] | None) -> Iterator[Mapping[str, Any]]:
    """A task's results and their thumbnails."""
    for entry in results or ():
        yield entry
        if thumbnail := entry.get("thumbnail"):
            yield thumbnail


def total(results: Sequence[Mapping[str, Any]] | None) -> int:
    """The bytes of a task's files."""
    return sum(entry["bytes"] for entry in entries(results))


class KeptFiles:
    """The files that this database knows; `hours` is how long others are left alone."""

    def __init__(self, engine: Engine, hours: float) -> None:
        self._engine = engine
        self._seconds = hours * 3600

    def unknown(self, files: Iterable[Stored]) -> Iterator[Stored]:
        """Those that no row knows, and that no running attempt will tell its row of."""
        remaining = iter(files)
        while batch := list(islice(remaining, BATCH)):
            with self._engine.connect() as connection:
                known = {key for kind, keys in _by_kind(batch) for key in _known(connection, kind, keys)}
            yield from (file for file in batch if file.key not in known)

    def removable(self, files: Iterable[Stored]) -> Iterator[Stored]:
        """Those of the unknown ones that are old enough, and not older than the database's first account.

        Files from before that belong to another database: this one may have been named by mistake.
        """
        first, last = self._first_account(), time.time() - self._seconds
        return self.unknown(file for file in files if first is not None and first < file.modified < last)

    def all(self) -> Iterator[Kept]:
        """Every file that has to be there, the trash's too, the rows' batch by batch."""
        for row in self._rows(RESULTS, Task.id):
            yield from _of_task(row)
        for row in self._rows(select(Upload.id, Upload.public_id, Upload.key, Upload.bytes, Upload.sha256), Upload.id):
            yield Kept(row.public_id, row.key, row.bytes, row.sha256)
        for row in self._rows(select(User.id, User.avatar_url).where(User.avatar_url.startswith(AVATARS_URL)), User.id):
            yield Kept(f"user {row.id}", avatar_key(row.avatar_url.removeprefix(AVATARS_URL)))

    def some(self, tasks: int) -> Iterator[Kept]:
        """The files of so many tasks at most, from anywhere on: for who looks at all of them little by little."""
        with self._engine.connect() as connection:
            last = connection.scalar(select(func.max(Task.id))) or 0
            start = secrets.randbelow(last + 1)
            found = connection.execute(RESULTS.where(Task.id >= start).order_by(Task.id).limit(tasks)).all()
        for row in found:
            yield from _of_task(row)

    def _first_account(self) -> float | None:
        with self._engine.connect() as connection:
            first = connection.scalar(select(User.created_at).order_by(User.id).limit(1))
        return first.timestamp() if first else None

    def _rows(self, query: Any, key: Any) -> Iterator[Any]:
        last = 0
        while True:
            with self._engine.connect() as connection:
                found = connection.execute(query.where(key > last).order_by(key).limit(BATCH)).all()
            if not found:
                return
            yield from found
            last = found[-1].id


def _of_task(row: Any) -> Iterator[Kept]:
    for entry in entries(row.results):
        yield Kept(row.public_id, entry["key"], entry["bytes"], entry["sha256"])


def _by_kind(files: Collection[Stored]) -> Iterator[tuple[str, list[str]]]:
    keys = sorted(file.key for file in files)
    for kind, group in groupby(keys, key=lambda key: key.partition("/")[0]):
        yield kind, list(group)


def _known(connection: Connection, kind: str, keys: Sequence[str]) -> Collection[str]:
    """All of a kind that is not ours: it is somebody else's."""
    return KINDS[kind](connection, {key.rpartition("/")[2]: key for key in keys}) if kind in KINDS else keys


def _results(connection: Connection, keys: Mapping[str, str]) -> set[str]:
    """A result's name begins with its task and the claim that made it (its fence)."""
    tasks = {name.partition(".")[0] for name in keys}
    columns = (Task.public_id, Task.status, Task.fence, Task.results)
    rows = connection.execute(select(*columns).where(Task.public_id.in_(tasks))).all()
    running = tuple(f"{row.public_id}.{row.fence}." for row in rows if row.status == Status.PROCESSING)
    of_rows = {entry["key"] for row in rows for entry in entries(row.results)}
    return of_rows | {key for name, key in keys.items() if name.startswith(running)}


def _uploads(connection: Connection, keys: Mapping[str, str]) -> set[str]:
    ids = {name.partition(".")[0] for name in keys}
    return set(connection.scalars(select(Upload.key).where(Upload.public_id.in_(ids))))


def _avatars(connection: Connection, keys: Mapping[str, str]) -> set[str]:
    urls = {AVATARS_URL + name: key for name, key in keys.items()}
    shown = connection.scalars(select(User.avatar_url).where(User.avatar_url.in_(urls)))
    return {urls[url] for url in shown if url}


KINDS: dict[str, Callable[[Connection, Mapping[str, str]], set[str]]] = {
    "results": _results,
    "uploads": _uploads,
    "avatars": _avatars,
}
