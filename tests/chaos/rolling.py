"""A rolling restart of web tier and workers while clients submit and poll: no request may fail."""

import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import psutil

from tests.chaos.caller import Caller, NoAnswer
from tests.chaos.models import SLOW
from tests.chaos.options import Options
from tests.chaos.report import Report, spread
from tests.chaos.run import running
from tests.chaos.site import Site
from tests.servers import until

CLIENTS = 6
CALM_SECONDS = 3.0
RELOADS = 3
PAUSE = 0.02
DRAIN_SECONDS = 120


class Customer(threading.Thread):
    """Submits small tasks and polls them all the time, on a new connection each; counts what failed."""

    def __init__(self, caller: Caller) -> None:
        super().__init__(name=caller.account, daemon=True)
        self.caller = caller
        self.closing = threading.Event()
        self.failed: Counter[str] = Counter()
        self.times: list[float] = []
        self.ended: Counter[str] = Counter()

    def run(self) -> None:
        while not self.closing.is_set():
            self._buy()

    def _buy(self) -> None:
        parameters = {"model": SLOW, "steps": 10, "width": 64, "height": 64}
        body = {"type": "t2i", "prompt": "a circle", "parameters": parameters}
        submitted = self._asked("POST", "/api/v1/generation", body)
        state = "not accepted" if submitted is None else "queued"
        deadline = time.monotonic() + DRAIN_SECONDS
        while state in {"queued", "processing"} and time.monotonic() < deadline:
            time.sleep(PAUSE)
            seen = self._asked("GET", f"/api/v1/generation/{submitted['task_id']}") if submitted else None
            state = seen["state"] if seen else state
        self.ended[state] += 1

    def _asked(self, method: str, path: str, body: object = None) -> dict[str, str] | None:
        began = time.monotonic()
        try:
            answer = self.caller.call(method, path, body)
        except NoAnswer as error:
            self.failed[f"{method}: {error}"] += 1
            return None
        self.times.append(time.monotonic() - began)
        if not answer.ok:
            self.failed[f"{method}: {answer.status}"] += 1
            return None
        data: dict[str, str] = answer.data
        return data


def rolling(options: Options, stack: str, folder: Path) -> Report:
    """Each part is replaced in turn, under load."""
    report = Report(f"rolling restart on {stack}, {os.getloadavg()[0]:.1f} busy before")
    with running(options, stack, folder) as site:
        customers = [Customer(Caller(site.url, f"customer{number}")) for number in range(CLIENTS)]
        for customer in customers:
            customer.caller.sign_up()
            customer.start()
        time.sleep(CALM_SECONDS)
        for _ in range(RELOADS):
            _reload_web(site)
        _replace_workers(site)
        time.sleep(CALM_SECONDS)
        for customer in customers:
            customer.closing.set()
        for customer in customers:
            customer.join()
    failed: Counter[str] = sum((customer.failed for customer in customers), Counter())
    ended: Counter[str] = sum((customer.ended for customer in customers), Counter())
    times = [seconds for customer in customers for seconds in customer.times]
    report.add("restarts", f"the web tier {RELOADS} times, each of {options.workers} workers once")
    report.add("requests", len(times) + failed.total())
    report.add("answered within", spread(times))
    report.add("tasks", ", ".join(f"{state}: {count}" for state, count in sorted(ended.items())))
    report.add("failed requests", failed.total(), "none", not failed)
    report.violations += [f"{count} x {what}" for what, count in failed.items()]
    report.violations += [f"{count} tasks ended {state}" for state, count in ended.items() if state != "completed"]
    return report


def _reload_web(site: Site) -> None:
    """SIGHUP: gunicorn starts new processes, and the old ones end when they have answered."""
    first, *before = site.web()
    first.send_signal(signal.SIGHUP)
    until(lambda: not any(psutil.pid_exists(process.pid) for process in before), "the old processes to end")
    until(lambda: len(site.web()) > len(before), "the new ones")
    time.sleep(CALM_SECONDS)


def _replace_workers(site: Site) -> None:
    """SIGTERM to one after the other; start.sh starts the next."""
    for tree in site.trees():
        tree.parent.send_signal(signal.SIGTERM)
        until(lambda gone=tree: not psutil.pid_exists(gone.parent.pid), "the worker to end")
        until(lambda: len(site.trees()) == site.workers, "the next worker")
        site.wait_for_workers()
