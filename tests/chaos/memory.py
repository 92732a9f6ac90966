"""Whether worker and web tier grow with the tasks that they have done."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import psutil

from tests.chaos.caller import Caller
from tests.chaos.measure import submit, until_seen
from tests.chaos.models import DEMO
from tests.chaos.options import Options
from tests.chaos.report import Report, slope
from tests.chaos.run import running
from tests.chaos.site import Site

ROUND = 20
WARM_UP = 0.34  # of all tasks
MEGABYTES_IN_100 = 1.0
Sample = tuple[float, float]


def memory(options: Options, stack: str, folder: Path) -> Report:
    """Small tasks of the built-in model, one worker; the slope of the resident memory after the warm-up."""
    report = Report(f"memory over {options.tasks} tasks on {stack}, {os.getloadavg()[0]:.1f} busy before")
    samples: dict[str, list[Sample]] = {"worker's device process": [], "worker's parent": [], "web tier, all": []}
    with running(replace(options, workers=1), stack, folder) as site:
        caller = Caller(site.url, "measurer")
        caller.sign_up()
        for done in range(0, options.tasks, ROUND):
            _round(caller, done)
            for name, megabytes in _resident(site).items():
                samples[name].append((done + ROUND, megabytes))
    for name, measured in samples.items():
        _add(report, name, [sample for sample in measured if sample[0] > WARM_UP * options.tasks])
    return report


def _round(caller: Caller, seed: int) -> None:
    tasks = [submit(caller, DEMO, 2, seed=seed + number) for number in range(ROUND)]
    for task in tasks:
        until_seen(caller, task, lambda data: data["state"] == "completed", pause=0.1)


def _resident(site: Site) -> dict[str, float]:
    [tree] = site.trees()
    assert tree.child
    return {
        "worker's device process": _megabytes([tree.child]),
        "worker's parent": _megabytes([tree.parent]),
        "web tier, all": _megabytes(site.web()),
    }


def _megabytes(processes: Sequence[psutil.Process]) -> float:
    return sum(process.memory_info().rss for process in processes) / 1e6


def _add(report: Report, name: str, measured: Sequence[Sample]) -> None:
    report.add(f"{name}, MB", " ".join(f"{megabytes:.1f}" for _, megabytes in measured))
    report.at_most(f"{name}, for 100 tasks", 100 * slope(measured), MEGABYTES_IN_100, "MB")
