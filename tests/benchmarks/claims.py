"""What a claim costs in a long queue of many users, compared with a short one.

Run it with `python -m tests.benchmarks.claims`; README.md beside it says more.
"""

import argparse
import json
import platform
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Engine

from shared import db
from shared.claims import Claims
from shared.models import Base
from shared.turns import QueueRules
from tests.benchmarks.history import DATABASES
from tests.orders import add_user
from tests.queues import queue_up

SHORT, LONG = 10, 10_000
USERS = 100
BATCH = 4
REPETITIONS = 300
WARM_UP = 20
MOST = 2.0  # times as long as in the short queue
SIZES = [{"steps": steps, "height": height} for steps in (10, 20) for height in (64, 128)]
RULES = {"no cap": QueueRules(), "running cap": QueueRules(running_cap=50)}


@dataclass(frozen=True)
class Figure:
    """Medians, in milliseconds."""

    case: str
    short_ms: float
    long_ms: float
    ratio: float


class Waiting:
    """A queue that is as long after each claim as before: what was claimed is given back."""

    def __init__(self, engine: Engine, tasks: int, rules: QueueRules) -> None:
        self._claims = Claims(engine, "worker", 3600, 3, rules)
        Base.metadata.drop_all(engine)
        Base.metadata.create_all(engine)
        for user in [add_user(engine) for _ in range(min(USERS, tasks))]:
            queue_up(engine, user, *[SIZES[number % len(SIZES)] for number in range(max(1, tasks // USERS))])

    def claim(self) -> float:
        """How long one took, in milliseconds."""
        start = time.perf_counter()
        claimed = self._claims.claim("gpu", lambda shape: BATCH)
        taken = time.perf_counter() - start
        self._claims.give_back([(claim.id, claim.fence) for claim in claimed])
        return taken * 1000


def compare(name: str, short: Waiting, long: Waiting) -> Figure:
    """Both in turn, so that what else the machine does hits both."""
    times = [(short.claim(), long.claim()) for _ in range(WARM_UP + REPETITIONS)][WARM_UP:]
    in_short, in_long = (statistics.median(column) for column in zip(*times, strict=True))
    return Figure(name, round(in_short, 3), round(in_long, 3), round(in_long / in_short, 2))


def measure(database: str) -> list[Figure]:
    """All cases on one database; what it needed is removed."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="darkroom-benchmark-")))
        url = stack.enter_context(DATABASES[database](folder))
        engines = [db.connect(url(name)) for name in ("few", "many")]
        for engine in engines:
            stack.callback(engine.dispose)
        figures = []
        for name, rules in RULES.items():
            queues = [Waiting(engine, tasks, rules) for engine, tasks in zip(engines, (SHORT, LONG), strict=True)]
            figures.append(compare(name, *queues))
            print(line(figures[-1]), flush=True)
        return figures


def line(figure: Figure) -> str:
    """A row of the table."""
    note = "  TOO SLOW" if figure.ratio > MOST else ""
    return f"{figure.case:20} {figure.short_ms:9.3f} ms {figure.long_ms:9.3f} ms {figure.ratio:8.2f}{note}"


def main() -> int:
    """0 when no claim from the long queue takes more than MOST times as long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--database", choices=DATABASES, action="append", help="only this one")
    asked = parser.parse_args()
    figures: dict[str, list[Figure]] = {}
    for database in asked.database or DATABASES:
        print(f"{database}: a claim of up to {BATCH} from {SHORT} and from {LONG} tasks of {USERS} users", flush=True)
        figures[database] = measure(database)
    if asked.json:
        written = {name: [asdict(figure) for figure in found] for name, found in figures.items()}
        machine = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}"
        record = {"machine": machine, "short": SHORT, "long": LONG, "users": USERS, "databases": written}
        asked.json.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    return int(any(figure.ratio > MOST for found in figures.values() for figure in found))


if __name__ == "__main__":
    sys.exit(main())
