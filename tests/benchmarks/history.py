"""What a page of the history costs in a large table, compared with a small one.

Run it with `python -m tests.benchmarks.history`; README.md beside it says more.
"""

import argparse
import gc
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from backend.services.favorites import Favorites
from backend.services.files import Files
from backend.services.history import History
from backend.services.history_query import Query
from backend.services.links import Links
from shared import db
from shared.generation import Kind
from shared.lifecycle import Status
from shared.models.task import HISTORY_COLUMNS
from shared.storage import LocalStorage
from tests.benchmarks import tables
from tests.servers import MariaDb

SMALL_ROWS = 1000
PAGE = Query(limit=50)
REPETITIONS = 200
REPETITIONS_IF_SLOW = 20  # of what is known to be
WARM_UP = 10
ATTEMPTS = 3
MIDDLE = (0.5,)
EVERYWHERE = [n / 100 for n in range(100)]
MOST = 1.5  # times as long as in the small table
FILTERS: dict[str, dict[str, Any]] = {
    "start": {"start": tables.FIRST + timedelta(seconds=tables.SECONDS * 0.2)},
    "end": {"end": tables.FIRST + timedelta(seconds=tables.SECONDS * 0.8)},
    "start and end": {
        "start": tables.FIRST + timedelta(seconds=tables.SECONDS * 0.2),
        "end": tables.FIRST + timedelta(seconds=tables.SECONDS * 0.8),
    },
    "type": {"kind": Kind.TEXT_TO_IMAGE},
    "status=completed": {"statuses": frozenset({Status.COMPLETED})},
    "status=failed": {"statuses": frozenset({Status.FAILED, Status.CANCELLED})},
    "status=processing": {"statuses": frozenset({Status.QUEUED, Status.PROCESSING})},
    "model": {"model": tables.MODELS[0]},
    "sampling_method": {"sampling_method": tables.SAMPLERS[0]},
    "steps": {"steps": 20},
    "seed": {"seed": tables.USUAL_SEED},
    "width": {"width": tables.SIZES[0]},
    "height": {"height": tables.SIZES[0]},
    "has_result=true": {"has_result": True},
    "has_result=false": {"has_result": False},
    "favorite=true": {"favorite": True},
    "favorite=false": {"favorite": False},
    "prompt": {"prompt": "LIGHTHOUSE"},
}
REASONS = {
    "filter prompt, found nowhere": "no index finds a part of a text, so all of the user's tasks are read",
    "sort prompt": "a text of any length has no index, so all of the user's tasks are read and sorted",
    "page by number, in the middle": "a number can only be counted to, though it is index entries and no rows; a cursor"
    " leads there at once",
}


@dataclass(frozen=True)
class Case:
    """A page to fetch, or several in turn; `parts` says how far into the list they are, from 0 to 1."""

    name: str
    query: Query
    parts: Sequence[float] = (0,)
    by_number: bool = False


@dataclass(frozen=True)
class Figure:
    """Medians, in milliseconds."""

    case: str
    small_ms: float
    large_ms: float
    ratio: float
    reason: str | None

    @property
    def bad(self) -> bool:
        return self.ratio > MOST and self.reason is None


def cases() -> Iterator[Case]:
    """Every documented filter and sort, at the start of its list and deep in it."""
    for name, parts in {"first page": (0,), "middle page": MIDDLE, "last page": (1,), "all pages": EVERYWHERE}.items():
        yield Case(name, PAGE, parts)
        yield Case(f"{name}, order=desc", replace(PAGE, order="desc"), parts)
    for name, values in FILTERS.items():
        yield Case(f"filter {name}, first page", replace(PAGE, **values))
        yield Case(f"filter {name}, in the middle", replace(PAGE, **values), MIDDLE)
    for name in HISTORY_COLUMNS:
        yield Case(f"sort {name}, first page", replace(PAGE, sort=name, order="asc"))
        yield Case(f"sort {name}, in the middle", replace(PAGE, sort=name, order="asc"), MIDDLE)
        yield Case(f"sort {name}, order=desc, in the middle", replace(PAGE, sort=name, order="desc"), MIDDLE)
    yield Case("filter model, sort steps, in the middle", replace(PAGE, model=tables.MODELS[0], sort="steps"), MIDDLE)
    yield Case("sort prompt", replace(PAGE, sort="prompt"))
    yield Case("filter prompt, found nowhere", replace(PAGE, prompt="unicorn"))
    yield Case("page by number, first", PAGE, by_number=True)
    yield Case("page by number, in the middle", PAGE, MIDDLE, by_number=True)


class Table:
    """A table of tasks behind the service."""

    def __init__(self, engine: Engine, rows: int, folder: Path) -> None:
        tables.build(engine, rows)
        session = Session(engine)
        favorites = Favorites(session, Files(session, LocalStorage(folder)), 1)
        self._history = History(session, Links("a secret of the benchmark", 60), favorites)
        self._most_pages = rows // PAGE.limit

    def fetching(self, case: Case) -> Callable[[], object]:
        """What fetches the case's pages, the next one each time."""
        pages = self._pages(case.query)
        numbers = [1 + round(part * (pages - 1)) for part in case.parts]
        queries = cycle([self._query(case, number) for number in numbers])
        return lambda: self._history.page(tables.OWNER, next(queries))

    def _query(self, case: Case, number: int) -> Query:
        if case.by_number or number == 1:
            return replace(case.query, page=number)
        before = self._history.page(tables.OWNER, replace(case.query, page=number - 1))
        return replace(case.query, cursor=before.next_cursor)

    def _pages(self, query: Query) -> int:
        """How many full pages the list has."""
        low, high = 1, self._most_pages
        while low < high:
            middle = (low + high + 1) // 2
            full = len(self._history.page(tables.OWNER, replace(query, page=middle)).items) == query.limit
            low, high = (middle, high) if full else (low, middle - 1)
        return low


class LoadedMariaDb(MariaDb):
    """A MariaDB that has the memory for the large table, and need not survive a crash."""

    def command(self) -> list[str]:
        return [
            *super().command(),
            "--innodb-buffer-pool-size=4G",
            "--innodb-log-file-size=1G",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-doublewrite=0",
        ]


@contextmanager
def sqlite_urls(folder: Path) -> Iterator[Callable[[str], str]]:
    yield lambda name: f"sqlite:///{folder / name}.db"


@contextmanager
def mariadb_urls(folder: Path) -> Iterator[Callable[[str], str]]:
    with LoadedMariaDb(folder) as server:
        yield server.url


DATABASES = {"sqlite": sqlite_urls, "mariadb": mariadb_urls}


def measure(database: str, rows: int) -> list[Figure]:
    """All cases on one database; what it needed is removed."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="darkroom-benchmark-")))
        url = stack.enter_context(DATABASES[database](folder))
        made = []
        for name, count in {"small": SMALL_ROWS, "large": rows}.items():
            engine = db.connect(url(name))
            stack.callback(engine.dispose)
            made.append(Table(engine, count, folder))
        return [compare(case, *made) for case in cases()]


def compare(case: Case, small: Table, large: Table) -> Figure:
    """Measured once more when it looks too slow: what else the machine does may add time, never take it."""
    fetch = small.fetching(case), large.fetching(case)
    reason = REASONS.get(case.name)
    for _ in range(ATTEMPTS):
        in_small, in_large = interleaved(*fetch, REPETITIONS_IF_SLOW if reason else REPETITIONS)
        figure = Figure(case.name, round(in_small, 3), round(in_large, 3), round(in_large / in_small, 2), reason)
        if not figure.bad:
            break
    print(line(figure), flush=True)
    return figure


def interleaved(small: Callable[[], object], large: Callable[[], object], repetitions: int) -> tuple[float, float]:
    """The medians of both, fetched in turn, so that what else the machine does hits both."""
    times: tuple[list[float], list[float]] = ([], [])
    gc.collect()
    gc.disable()  # it comes at regular intervals, always to the same one of the two
    for _ in range(WARM_UP + repetitions):
        for fetch, taken in zip((small, large), times, strict=True):
            start = time.perf_counter()
            fetch()
            taken.append((time.perf_counter() - start) * 1000)
    gc.enable()
    in_small, in_large = (statistics.median(taken[WARM_UP:]) for taken in times)
    return in_small, in_large


def line(figure: Figure) -> str:
    """A row of the table."""
    note = "  TOO SLOW" if figure.bad else "  (stated reason)" if figure.ratio > MOST else ""
    return f"{figure.case:45} {figure.small_ms:9.3f} ms {figure.large_ms:9.3f} ms {figure.ratio:8.2f}{note}"


def main() -> int:
    """0 when no page of the large table takes more than MOST times as long, but for a stated reason."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the large table")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--database", choices=DATABASES, action="append", help="only this one")
    asked = parser.parse_args()
    figures: dict[str, list[Figure]] = {}
    for database in asked.database or DATABASES:
        print(f"{database}: page of {PAGE.limit} in {SMALL_ROWS} and {asked.rows} rows", flush=True)
        figures[database] = measure(database, asked.rows)
    if asked.json:
        written = {name: [asdict(figure) for figure in found] for name, found in figures.items()}
        machine = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}"
        record = {"machine": machine, "small_rows": SMALL_ROWS, "large_rows": asked.rows, "databases": written}
        asked.json.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    return int(any(figure.bad for found in figures.values() for figure in found))


if __name__ == "__main__":
    sys.exit(main())
