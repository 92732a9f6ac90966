"""One storm over one stack: start the service, let clients work while the storm strikes, then look at everything."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

from shared.settings import ROOT
from tests.chaos.clients import Orders, Visitor
from tests.chaos.clock import SettableClock
from tests.chaos.disk import SmallDisk
from tests.chaos.faults import DEADLY, FULL_DISK, Target, impossible
from tests.chaos.invariants import Inspection
from tests.chaos.journal import Journal
from tests.chaos.models import write_models
from tests.chaos.options import Options
from tests.chaos.report import Report, spread
from tests.chaos.site import Site
from tests.chaos.stacks import servers
from tests.chaos.storm import Storm
from tests.servers import until

DISK_MEGABYTES = 64
QUIET_SECONDS = 60


@contextmanager
def running(options: Options, stack: str, folder: Path) -> Iterator[Site]:
    """The whole service on this stack, until the block ends."""
    (folder / "models").mkdir(parents=True)
    models = write_models(folder / "models")
    (folder / "site").mkdir()
    disk = SmallDisk(folder / "site" / "data" / "files", DISK_MEGABYTES)
    clock = SettableClock(folder)
    try:
        with (
            servers(stack, folder / "servers") as started,
            Site(
                folder / "site", started, disk, clock, options.workers, MODELS_FILE=str(models), **options.settings
            ) as site,
        ):
            yield site
    finally:
        disk.unmount()


def storm(options: Options, stack: str, folder: Path) -> Report:
    """What was found."""
    report = Report(f"{options.tasks} tasks on {stack}, seed {options.seed}")
    began = time.monotonic()
    with running(options, stack, folder) as site:
        report.add("up within", f"{time.monotonic() - began:.0f} s")
        missing = impossible(site)
        names = [name for name in options.faults if name not in missing]
        for name in sorted(set(options.faults) & missing.keys()):
            report.add(f"not made: {name}", missing[name])
        orders = Orders(options.tasks, max(1.0, options.strikes * options.gap), options.demo_share)
        visitors = _visitors(options, site, orders)
        target = Target(site, Random(f"{options.seed}-targets"), options.lease_seconds)
        weather = Storm(target, names, options.strikes, options.gap, Random(f"{options.seed}-storm"))
        began = time.monotonic()
        _weather(weather, visitors, options.patience)
        journals = {task: journal for visitor in visitors for task, journal in visitor.journals.items()}
        _describe(report, journals, visitors, weather, time.monotonic() - began)
        _inspect(report, site, visitors, journals, weather.struck)
    return report


def _visitors(options: Options, site: Site, orders: Orders) -> list[Visitor]:
    visitors = [Visitor(site.url, n, orders, Random(f"{options.seed}-{n}")) for n in range(options.clients)]
    for visitor in visitors:
        visitor.caller.sign_up()
    orders.begun = time.monotonic()
    return visitors


def _weather(weather: Storm, visitors: Sequence[Visitor], patience: float) -> None:
    """Until all visitors have seen their tasks end, or patience after the last fault is at its end."""
    for thread in (*visitors, weather):
        thread.start()
    weather.join()
    weather.mend_all()
    deadline = time.monotonic() + patience
    for visitor in visitors:
        visitor.join(max(0.0, deadline - time.monotonic()))
        visitor.stopped.set()
    for visitor in visitors:
        visitor.join()


def _describe(
    report: Report, journals: dict[str, Journal], visitors: Sequence[Visitor], weather: Storm, seconds: float
) -> None:
    troubles: Counter[str] = sum((visitor.troubles for visitor in visitors), Counter())
    ended = [journal.seconds for journal in journals.values() if journal.ended]
    report.add(
        "faults", f"{weather.struck.total()}: " + ", ".join(f"{n} x{c}" for n, c in sorted(weather.struck.items()))
    )
    report.add("accepted", len(journals))
    report.add("took", f"{seconds:.0f} s")
    report.add("submit to end", spread(ended))
    report.add("polls that told something new", sum(len(journal.sights) for journal in journals.values()))
    report.add(
        "answers that clients had to try again for", ", ".join(f"{k}: {v}" for k, v in sorted(troubles.items())) or 0
    )
    report.violations += [f"a client died: {visitor.error!r}" for visitor in visitors if visitor.error]


def _inspect(
    report: Report, site: Site, visitors: Sequence[Visitor], journals: dict[str, Journal], struck: Counter[str]
) -> None:
    until(lambda: visitors[0].caller.call("GET", "/readyz").ok, "the service to be whole again", QUIET_SECONDS)
    excused = {"storage_failed"} if FULL_DISK & struck.keys() else set()
    deaths = sum(struck[name] * (site.workers if name == "kill-database" else 1) for name in DEADLY)
    inspection = Inspection(site, [visitor.caller for visitor in visitors], journals, excused, deaths)
    states = Counter(row.status for row in inspection.rows.values())
    report.add("ended", ", ".join(f"{state}: {count}" for state, count in sorted(states.items())))
    report.add(
        "claims for a task",
        ", ".join(f"{k}: {v}" for k, v in sorted(Counter(row.fence for row in inspection.rows.values()).items())),
    )
    report.add("files left to the sweep", inspection.left_over())
    report.violations += inspection.violations()
    report.violations += _doctor(site)


def _doctor(site: Site) -> list[str]:
    """The product's own look at itself."""
    command = [sys.executable, "-m", "shared.doctor", "--checksums"]
    environment = site.service.environment
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else [f"the doctor says: {done.stdout}{done.stderr}"]
