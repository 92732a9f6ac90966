"""How long recovery and cancelling take, on a service with idle workers."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import select

from shared.models import Task, Worker
from tests.chaos.caller import Caller
from tests.chaos.models import SLOW, SLOWER, STEP_SECONDS
from tests.chaos.options import Options
from tests.chaos.report import Report, percentile, spread
from tests.chaos.run import running
from tests.chaos.site import Site, Tree, node_of

CHILD_SECONDS, TREE_SECONDS = 3.0, 20.0
REPEATS = 10
CANCELS = 20
POLLING_SECONDS = 0.1  # beside the step: the poll that sees it, and the transaction that ends it
CLAIM_SECONDS = 0.2  # to find the next task, and to begin it
WITHIN_SECONDS = 90.0
LONG = 600  # steps


def recovery(options: Options, stack: str, folder: Path) -> Report:
    """From the death of a process to the next step of its task, in a worker that was idle."""
    report = Report(f"recovery on {stack}, lease {options.lease_seconds:g} s, {os.getloadavg()[0]:.1f} busy before")
    with running(options, stack, folder) as site:
        caller = _user(site)
        for name, limit, kill in (("child", CHILD_SECONDS, _kill_child), ("tree", TREE_SECONDS, _kill_tree)):
            times = [_recovered(site, caller, kill) for _ in range(REPEATS)]
            claimed, stepped = [each[0] for each in times], [each[1] for each in times]
            report.add(f"killed {name}: claimed again", spread(claimed))
            report.add(f"killed {name}: next step", spread(stepped))
            report.at_most(f"killed {name}: next step, p90", percentile(stepped, 0.9), limit, "s")
    return report


def cancel(options: Options, stack: str, folder: Path) -> Report:
    """From a running task's DELETE to the answer that says cancelled, and to the start of what waits for its worker."""
    step = STEP_SECONDS[SLOWER]
    report = Report(f"cancel on {stack}, a step takes {step:g} s, {os.getloadavg()[0]:.1f} busy before")
    with running(options, stack, folder) as site:
        caller = _user(site)
        times = [_cancelled(caller) for _ in range(CANCELS)]
        handed_on = [_handed_on(caller, options.workers) for _ in range(CANCELS // 2)]
    report.add("cancel to cancelled", spread(times))
    report.at_most("cancel to cancelled, p95", percentile(times, 0.95), step + POLLING_SECONDS, "s")
    report.add("cancel to the next task's start", spread(handed_on))
    limit = step + POLLING_SECONDS + CLAIM_SECONDS
    report.at_most("cancel to the next task's start, p95", percentile(handed_on, 0.95), limit, "s")
    return report


def _user(site: Site) -> Caller:
    caller = Caller(site.url, "measurer")
    caller.sign_up()
    return caller


def submit(caller: Caller, model: str, steps: int, **parameters: Any) -> str:
    """A task's id."""
    chosen = {"model": model, "steps": steps, "width": 64, "height": 64, **parameters}
    answer = caller.call("POST", "/api/v1/generation", {"type": "t2i", "prompt": "a circle", "parameters": chosen})
    assert answer.ok, answer
    return str(answer.data["task_id"])


def until_seen(caller: Caller, task: str, condition: Callable[[dict[str, Any]], object], pause: float = 0.02) -> float:
    """When an answer about the task met the condition."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while time.monotonic() < deadline:
        answer = caller.call("GET", f"/api/v1/generation/{task}")
        if answer.ok and condition(answer.data):
            return time.monotonic()
        time.sleep(pause)
    raise TimeoutError(f"{task} was not as expected within {WITHIN_SECONDS:g} s: {answer.body!r}")


def _recovered(site: Site, caller: Caller, kill: Callable[[Tree], None]) -> tuple[float, float]:
    site.wait_for_workers()
    task = submit(caller, SLOW, LONG)
    until_seen(caller, task, lambda data: data["step"])
    holder = _holder(site, task)
    killed = time.monotonic()
    kill(holder)
    claimed = until_seen(caller, task, lambda data: data["attempt"] == 2 and data["state"] == "processing")
    stepped = until_seen(caller, task, lambda data: data["attempt"] == 2 and data["step"])
    _end(caller, task)
    return claimed - killed, stepped - killed


def _cancelled(caller: Caller) -> float:
    task = submit(caller, SLOWER, LONG)
    until_seen(caller, task, lambda data: data["step"])
    asked = time.monotonic()
    return _end(caller, task) - asked


def _handed_on(caller: Caller, workers: int) -> float:
    """While all workers are busy, one more waits; no two have one size, or they would run at once."""
    busy = [submit(caller, SLOWER, LONG, width=64 + 16 * number) for number in range(workers)]
    for task in busy:
        until_seen(caller, task, lambda data: data["step"])
    waiting = submit(caller, SLOWER, 1, width=64 + 16 * workers)
    asked = time.monotonic()
    caller.call("DELETE", f"/api/v1/generation/{busy[0]}")
    seconds = until_seen(caller, waiting, lambda data: data["state"] != "queued") - asked
    for task in busy[1:]:
        _end(caller, task)
    until_seen(caller, waiting, lambda data: data["state"] == "completed")
    return seconds


def _end(caller: Caller, task: str) -> float:
    caller.call("DELETE", f"/api/v1/generation/{task}")
    return until_seen(caller, task, lambda data: data["state"] == "cancelled")


def _holder(site: Site, task: str) -> Tree:
    """The worker that runs the task, by the name that its processes have in common with its row."""
    with site.engine.connect() as connection:
        query = select(Worker.node).join(Task, Task.worker_id == Worker.id).where(Task.public_id == task)
        node = connection.scalar(query)
    return next(tree for tree in site.trees() if tree.child and node_of(tree.child) == node)


def _kill_child(tree: Tree) -> None:
    assert tree.child
    tree.child.send_signal(signal.SIGKILL)


def _kill_tree(tree: Tree) -> None:
    for process in tree.processes:
        process.send_signal(signal.SIGKILL)
