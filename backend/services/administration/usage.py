"""What the service keeps: bytes of files by their kind, rows by table, the size of the database.

To look at everything takes a while, so what was found serves for some minutes; lives as long as the process.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import FromClause, Select, column, func, select, table, text

from backend.reads import Reads
from backend.services.files import reachable
from shared.clock import now
from shared.models import Base
from shared.storage import Storage

KEPT_SECONDS = 300.0

PAGES = text("pragma_page_count(), pragma_page_size()")
TABLES = table("TABLES", schema="information_schema")
SIZE: dict[str, Select[Any]] = {
    "sqlite": select(column("page_count") * column("page_size")).select_from(PAGES),
    "mysql": select(func.sum(column("data_length") + column("index_length")))
    .select_from(TABLES)
    .where(column("table_schema") == func.database()),
}


@dataclass(frozen=True)
class FilesOfKind:
    """`kind` is the first folder of their keys, such as `results`."""

    kind: str
    files: int
    bytes: int


@dataclass(frozen=True)
class TableRows:
    """One table."""

    table: str
    rows: int


@dataclass(frozen=True)
class Kept:
    """All of it, as it was `measured_at` then."""

    measured_at: datetime
    files: Sequence[FilesOfKind]
    tables: Sequence[TableRows]
    database_bytes: int


class Usage:
    """Measures when asked, one at a time."""

    def __init__(self, reads: Reads, storage: Storage, clock: Callable[[], float] = time.monotonic) -> None:
        self._reads = reads
        self._storage = storage
        self._clock = clock
        self._lock = threading.Lock()
        self._known: tuple[float, Kept] | None = None

    def kept(self) -> Kept:
        """As it was within the last minutes."""
        with self._lock:
            if self._known is None or self._clock() - self._known[0] > KEPT_SECONDS:
                self._known = (self._clock(), self._measured())
            return self._known[1]

    def _measured(self) -> Kept:
        tables = sorted(Base.metadata.tables.values(), key=lambda each: each.name)
        return Kept(
            measured_at=now(),
            files=self._files(),
            tables=[TableRows(each.name, self._reads.scalar(_count(each))) for each in tables],
            database_bytes=int(self._reads.scalar(SIZE[self._reads.database]) or 0),
        )

    def _files(self) -> list[FilesOfKind]:
        counts: dict[str, int] = defaultdict(int)
        sizes: dict[str, int] = defaultdict(int)
        with reachable("*"):
            for folder in self._storage.folders():
                kind = folder.partition("/")[0]
                for file in self._storage.files(folder):
                    counts[kind] += 1
                    sizes[kind] += file.size
        return [FilesOfKind(kind, counts[kind], sizes[kind]) for kind in sorted(counts)]


def _count(rows: FromClause) -> Select[Any]:
    return select(func.count()).select_from(rows)
