"""How many status polls a second, against a bare Flask route that writes JSON, under the same gunicorn.

`python -m tests.benchmarks.polling [--seconds 1] [--rounds 20] [--json FILE]`; needs wrk (Debian's package `wrk`).
The rounds go through all cases in turn, each right after the bare route, so that what else the machine does meets both
alike; the figure of a case is the median of its ratios to the bare route before it. `by CPU` compares the processor
time that gunicorn's processes took for a request, which a busy machine changes less than the rate.
"""

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import psutil

from backend import auth, create_app
from backend.wiring import services
from shared import db, migrations
from shared.claims import Claims
from shared.progress import Progress, ProgressBoard, redis_client
from shared.settings import Settings
from tests.benchmarks.stacks import STACKS, processor_seconds, stack, url, web_tier
from tests.orders import add_task, result_entry
from tests.queues import add_rate

CONNECTIONS = 8
BARS = {"status": 0.35, "unchanged": 0.45}


@dataclass(frozen=True)
class Case:
    """One request to repeat; `bar` is the ratio that it should reach."""

    name: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    bar: float | None = None


@dataclass(frozen=True)
class Asking:
    """How a server did under as much of a request as it takes: `processor` is its seconds for each."""

    per_second: float
    processor: float


def main() -> None:
    """Measure on both stacks; the exit status is 1 when a bar is missed."""
    arguments = _arguments()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed: apt-get install wrk")
    figures = {}
    for name in STACKS:
        with stack(name) as settings:
            figures[name] = _measure(settings, arguments.seconds, arguments.rounds)
    _print(figures)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    missed = [1 for cases in figures.values() for case in cases.values() if case["ratio"] < (case["bar"] or 0)]
    sys.exit(1 if missed else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=1, help="how long each case is asked in each round")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", type=Path, help="write the figures here")
    return parser.parse_args()


def _measure(settings: Settings, seconds: int, rounds: int) -> dict[str, dict[str, float | None]]:
    bare, *cases = _cases(settings)
    measured: dict[str, list[tuple[Asking, Asking]]] = {case.name: [] for case in cases}
    with web_tier(settings, "tests.benchmarks.polling_app:app") as server:
        for _ in range(rounds):
            for case in [_tagged(settings, case) for case in cases]:  # anew: links have a period, which ends
                measured[case.name].append(tuple(_ask(settings, server, each, seconds) for each in (bare, case)))
    return {case.name: {**_compared(measured[case.name]), "bar": case.bar} for case in cases}


def _compared(pairs: Sequence[tuple[Asking, Asking]]) -> dict[str, float]:
    """Medians: of both rates, and of the ratios of rate and of processor time to the bare route's."""
    return {
        "bare_per_second": round(statistics.median(bare.per_second for bare, _ in pairs)),
        "per_second": round(statistics.median(case.per_second for _, case in pairs)),
        "ratio": round(statistics.median(case.per_second / bare.per_second for bare, case in pairs), 3),
        "by_cpu": round(statistics.median(bare.processor / case.processor for bare, case in pairs), 3),
    }


def _ask(settings: Settings, server: psutil.Process, case: Case, seconds: int) -> Asking:
    before = processor_seconds(server)
    rate = _wrk(settings, case, seconds)
    return Asking(rate, (processor_seconds(server) - before) / (rate * seconds))


def _cases(settings: Settings) -> list[Case]:
    """Tasks in each state, and the requests that poll them."""
    engine = db.connect(settings.database)
    migrations.upgrade(engine)
    add_rate(engine, "darkroom-demo", 0.05)  # else a running task's estimate follows the clock, and is news at times
    app = create_app(settings)
    with app.app_context():
        account = services().accounts.register("bencher", "bencher@example.com", "User@1234")
        headers = {"Authorization": f"Bearer {auth.issue(account).text}"}
    done, running, waiting = (add_task(engine, account.id, model="darkroom-demo") for _ in range(3))
    claims = Claims(engine, "worker", 3600, 3)
    [first] = claims.claim("gpu", lambda model: 1)
    [second] = claims.claim("gpu", lambda model: 1)
    claims.complete(first, [result_entry(f"{done}.png")])
    ProgressBoard(redis_client(settings.redis_url)).write(running, Progress(second.fence, 5, 20))
    engine.dispose()
    polls = [(state, f"/api/v1/generation/{task}") for state, task in (("waiting", waiting), ("running", running))]
    known = {**headers, "If-None-Match": ""}  # the tag comes when there is somebody to ask
    polls.append(("completed", f"/api/v1/generation/{done}"))
    return [
        Case("bare", "/bare/"),
        *(Case(f"status, {state}", path, headers, BARS["status"]) for state, path in polls),
        *(Case(f"unchanged, {state}", path, known, BARS["unchanged"]) for state, path in polls),
        Case("three ids", f"/api/v1/generation?ids={running},{waiting},{done}", headers),
    ]


def _tagged(settings: Settings, case: Case) -> Case:
    """The same with the tag of what there is, where the case is about what has not changed."""
    if "If-None-Match" not in case.headers:
        return case
    asked = urllib.request.Request(url(settings, case.path), headers=case.headers)
    with urllib.request.urlopen(asked) as answer:
        return Case(case.name, case.path, {**case.headers, "If-None-Match": answer.headers["ETag"]}, case.bar)


def _wrk(settings: Settings, case: Case, seconds: int) -> float:
    """Requests a second. Raises RuntimeError when an answer was an error, or news to who knows the tag."""
    headers = [part for name, value in case.headers.items() for part in ("-H", f"{name}: {value}")]
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", *headers, url(settings, case.path)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in said or ("If-None-Match" in case.headers and _is_news(settings, case)):
        raise RuntimeError(f"{case.name}: {said}")
    [rate] = re.findall(r"Requests/sec:\s+([\d.]+)", said)
    return float(rate)


def _is_news(settings: Settings, case: Case) -> bool:
    try:
        urllib.request.urlopen(urllib.request.Request(url(settings, case.path), headers=case.headers)).close()
    except urllib.error.HTTPError as error:
        with error:
            return error.status != HTTPStatus.NOT_MODIFIED
    return True


def _print(figures: dict[str, dict[str, dict[str, float | None]]]) -> None:
    for name_of_stack, cases in figures.items():
        print(f"\n{name_of_stack:24} {'bare':>10} {'a second':>10} {'of bare':>10} {'by CPU':>10} {'bar':>6}")
        for name, case in cases.items():
            figures = "".join(f" {case[key]:10}" for key in ("bare_per_second", "per_second", "ratio", "by_cpu"))
            print(f"{name:24}{figures} {case['bar'] or '':>6}")


if __name__ == "__main__":
    main()
