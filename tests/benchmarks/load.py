"""A thousand open pages that poll, then a hundred submits a second, on one web tier that shares its cores with them.

Run it with `python -m tests.benchmarks.load`; README.md beside it says more.
"""

import argparse
import asyncio
import gc
import json
import platform
import resource
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import psutil
from sqlalchemy import Engine, func, select

from backend.services.administration.usage import SIZE
from shared import db
from shared.lifecycle import Status
from shared.models import Task
from shared.settings import Settings
from tests.benchmarks.clients import Sent, Tally, poll_all, submit_all
from tests.benchmarks.crowd import HAS, Poller, crowd, fleet
from tests.benchmarks.stacks import STACKS, processor_seconds, stack, web_tier

P95_MS = 50.0
UNCHANGED = 0.9
PARTS = ("web", "servers", "load")
ON_TIME = 0.95  # of the rate at which they were sent, submits have to be answered

Figures = dict[str, float | dict[str, float]]


@dataclass(frozen=True)
class Moment:
    """Processor seconds so far: of the web tier, of the database and the broker, of the load with its fake workers."""

    at: float
    answers: int
    web: float
    servers: float
    load: float


class Meter:
    """What the processors were busy with, between two looks."""

    def __init__(self, web: psutil.Process) -> None:
        self.tally = Tally()
        self._web = web
        self._moments: list[Moment] = []

    def look(self) -> None:
        own, web = psutil.Process(), processor_seconds(self._web)
        mine = own.cpu_times()
        load = mine.user + mine.system
        servers = processor_seconds(own) - web - load
        self._moments.append(Moment(perf_counter(), self.tally.answers, web, servers, load))

    def found(self) -> Figures:
        """How many cores were busy, and of the web tier and the servers how many milliseconds for an answer."""
        first, last = self._moments
        cores = {name: (getattr(last, name) - getattr(first, name)) / (last.at - first.at) for name in PARTS}
        each = 1000 * (last.at - first.at) / max(1, last.answers - first.answers)
        return {
            "cores": {name: round(busy, 3) for name, busy in cores.items()},
            "web_ms": round(cores["web"] * each, 2),
            "servers_ms": round(cores["servers"] * each, 2),
        }


def main() -> int:
    """0 when no bar is missed."""
    asked = _arguments()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each poller has a connection
    figures = {}
    for name in asked.stack or STACKS:
        figures[name] = _measure(name, asked.pollers, asked.rate, asked.seconds)
        _print(name, figures[name])
    if asked.json:
        machine = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}"
        run = {"pollers": asked.pollers, "tasks": len(HAS), "seconds": asked.seconds, "rate": asked.rate}
        asked.json.write_text(json.dumps({"machine": machine, **run, "stacks": figures}, indent=1) + "\n", "utf-8")
    return int(any(_missed(part) for found in figures.values() for part in found.items()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="how long the polls are counted, and the submits sent")
    parser.add_argument("--pollers", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=100, help="submits a second")
    parser.add_argument("--stack", choices=STACKS, action="append", help="only this one")
    parser.add_argument("--json", type=Path, help="write the figures here")
    return parser.parse_args()


def _measure(name: str, pollers: int, rate: int, seconds: int) -> dict[str, Figures]:
    with stack(name) as settings, (settings.data_dir / "web.log").open("wb") as log:
        engine = db.connect(settings.database)
        tokens, pages = crowd(settings, engine, pollers)
        gc.freeze()  # what the load itself does now and then is not the service's time
        with web_tier(settings, log=log, QUEUE_CAP="0", LOG_FORMAT="json") as web:
            polls = _polls(settings, engine, Meter(web), pages, seconds)
            submits = _submits(settings, engine, Meter(web), tokens, rate, seconds)
            rows = _rows(engine) | {"complaints": _complaints(Path(log.name))}
        engine.dispose()
    return {"polls": polls, "submits": submits, "rows": rows}


def _polls(settings: Settings, engine: Engine, meter: Meter, pages: Sequence[Poller], seconds: int) -> Figures:
    before = _completed(engine)
    with fleet(settings, engine):
        asyncio.run(poll_all(settings.port, pages, seconds, meter.tally, meter.look))
    moved = {"completed": _completed(engine) - before}
    return _common(meter.tally, seconds) | _of_polls(meter.tally, seconds) | meter.found() | moved


def _submits(
    settings: Settings, engine: Engine, meter: Meter, tokens: Sequence[str], rate: int, seconds: int
) -> Figures:
    meter.look()
    sent, took = asyncio.run(submit_all(settings.port, tokens, rate, seconds, meter.tally))
    meter.look()
    return _common(meter.tally, took) | {"due_a_second": rate} | meter.found() | _kept(engine, sent)


def _common(tally: Tally, seconds: float) -> Figures:
    answered = tally.statuses.total()
    cuts = [1000 * cut for cut in statistics.quantiles(tally.latencies, n=100, method="inclusive")]
    return {
        "answered": answered,
        "a_second": round(answered / seconds, 1),
        **{f"p{part}_ms": round(cuts[part - 1], 1) for part in (50, 95, 99)},
        "failures": dict(tally.failures),
    }


def _of_polls(tally: Tally, seconds: float) -> Figures:
    """`pauses`: how many polls a second came of which pause; `bytes` of an answer, by its status."""
    return {
        "unchanged": round(tally.statuses[304] / max(1, tally.statuses.total()), 4),
        "pauses": {f"{pause:g} s": round(count / seconds, 1) for pause, count in sorted(tally.pauses.items())},
        "bytes": {str(status): round(tally.bytes[status] / count) for status, count in tally.statuses.items()},
    }


def _kept(engine: Engine, sent: Sequence[Sent]) -> Figures:
    """What became of the submits, by the rows that there are. Of one without an answer there may be a row, or none."""
    rows: dict[str, list[str]] = defaultdict(list)
    with engine.connect() as connection:
        for prompt, task in connection.execute(select(Task.prompt, Task.public_id).where(Task.idempotency_key != "")):
            rows[prompt].append(task)
    fates = Counter(_fate(each, rows[each.prompt]) for each in sent)
    return {name: fates[name] for name in ("kept", "lost", "doubled", "refused", "refused_but_kept", "unanswered")}


def _fate(sent: Sent, rows: Sequence[str]) -> str:
    if len(rows) > 1:
        return "doubled"
    if sent.task is not None:
        return "kept" if list(rows) == [sent.task] else "lost"
    if not sent.known:
        return "unanswered"
    return "refused_but_kept" if rows else "refused"


def _completed(engine: Engine) -> int:
    """Tasks that have been completed."""
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).where(Task.status == Status.COMPLETED)) or 0


def _rows(engine: Engine) -> Figures:
    """How large a task is, with all of its indexes."""
    with engine.connect() as connection:
        count = connection.scalar(select(func.count()).select_from(Task)) or 0
        size = int(connection.scalar(SIZE[engine.dialect.name]))
    return {"tasks": count, "bytes_a_task": round(size / count)}


def _complaints(log: Path) -> dict[str, float]:
    """What the web tier has warned of, and how often."""
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines() if line.startswith("{")]
    return dict(Counter(line["event"] for line in lines if line["level"] in {"warning", "error", "critical"}))


def _missed(part: tuple[str, Figures]) -> list[str]:
    """The bars that this part of the figures misses."""
    name, figures = part
    number = {key: value for key, value in figures.items() if isinstance(value, (int, float))}
    if name == "polls":
        missed = {"p95": number["p95_ms"] > P95_MS, "304": number["unchanged"] < UNCHANGED}
    elif name == "submits":
        slow = number["a_second"] < ON_TIME * number["due_a_second"]
        wrong = ("lost", "doubled", "refused", "refused_but_kept", "unanswered")
        missed = {"rate": slow, **{fate: number[fate] > 0 for fate in wrong}}
    else:
        return []
    return [bar for bar, is_missed in missed.items() if is_missed] + (["failures"] if figures["failures"] else [])


def _print(name: str, figures: dict[str, Figures]) -> None:
    for part in figures.items():
        print(f"\n{name}, {part[0]}")
        for key, value in part[1].items():
            said = ", ".join(f"{n} {v}" for n, v in value.items()) or "none" if isinstance(value, dict) else value
            print(f"  {key:18} {said}")
        for bar in _missed(part):
            print(f"  MISSED             {bar}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
