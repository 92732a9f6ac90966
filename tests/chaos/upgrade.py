"""An upgrade halfway: workers of the version before with the new web tier, and new workers with the web tier before.

The version before is what the newest migration came upon, or what --before names; it is taken from the repository.
"""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.settings import ROOT
from tests.chaos.caller import Caller
from tests.chaos.journal import ENDED
from tests.chaos.measure import submit
from tests.chaos.models import CLASSES_FOLDER, DEMO, SLOW, write_models
from tests.chaos.options import Options
from tests.chaos.report import Report
from tests.chaos.stacks import servers
from tests.servers import free_port, until

TASKS = 12
READY_SECONDS = 120
WITHIN_SECONDS = 180.0


class Mixture:
    """One installation whose parts may be of different versions; ends with all that it started."""

    def __init__(self, folder: Path, models: Path, settings: dict[str, str]) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        own = {"PORT": str(port), "SECRET_KEY": "s" * 40, "MODELS_FILE": str(models), "PYTHONPATH": str(CLASSES_FOLDER)}
        self._environment = {**os.environ, **own, **settings}
        self._folder = folder
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, root: Path, part: str) -> subprocess.Popen[bytes]:
        """`part` as start.sh of this version runs it, but for installing anything."""
        log = self._folder / f"{len(self._started)}-{part}.log"
        with log.open("wb") as output:
            command = [sys.executable, "-m", "shared.launch", part]
            process = subprocess.Popen(
                command, cwd=root, env=self._environment, stdout=output, stderr=output, start_new_session=True
            )
        self._started.append(process)
        if part == "web":
            until(lambda: urllib.request.urlopen(f"{self.url}/healthz", timeout=2), f"{log}", READY_SECONDS)
        return process

    def migrate(self, root: Path) -> None:
        """As the first web tier of a new version does, while the one before still answers."""
        subprocess.run([sys.executable, "-m", "shared.migrations"], cwd=root, env=self._environment, check=True)

    def end(self) -> None:
        for process in reversed(self._started):
            stop(process)


def upgrade(options: Options, stack: str, folder: Path) -> Report:
    """Both halfway states, each with tasks from before and after the migration."""
    folder.mkdir(parents=True)
    revision = options.before or _before_newest_migration()
    report = Report(f"upgrade from {revision[:12]} on {stack}")
    before = _checked_out(revision, folder / "before")
    models = write_models(folder)
    mixtures = {"workers before, new web tier": (ROOT, before), "new workers, web tier before": (before, ROOT)}
    for number, (name, (web, worker)) in enumerate(mixtures.items()):
        with _mixture(options, stack, folder / str(number), models) as mixture:
            ended, failed = _worked(mixture, before, web, worker)
        report.add(f"{name}: tasks", ", ".join(f"{state}: {count}" for state, count in sorted(ended.items())))
        report.violations += [f"{name}: {count} x {what}" for what, count in failed.items()]
        report.violations += [f"{name}: {count} tasks ended {s}" for s, count in ended.items() if s != "completed"]
    return report


def stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


@contextmanager
def _mixture(options: Options, stack: str, folder: Path, models: Path) -> Iterator[Mixture]:
    folder.mkdir()
    data = folder / "data"
    with servers(stack, folder / "servers") as started:
        settings = {"DATA_DIR": str(data), **started.environment(data), **options.settings}
        mixture = Mixture(folder, models, settings)
        try:
            yield mixture
        finally:
            mixture.end()


def _worked(mixture: Mixture, before: Path, web: Path, worker: Path) -> tuple[Counter[str], Counter[str]]:
    """How the tasks ended, and what requests failed."""
    failed: Counter[str] = Counter()
    first = mixture.start(before, "web")
    caller = Caller(mixture.url, "customer")
    caller.sign_up()
    tasks = [submit(caller, SLOW, 10) for _ in range(TASKS // 3)]
    mixture.migrate(ROOT)
    if web != before:
        stop(first)
        mixture.start(web, "web")
    mixture.start(worker, "worker")
    tasks += [submit(caller, SLOW, 10) for _ in range(TASKS // 3)]
    tasks += [submit(caller, DEMO, 2) for _ in range(TASKS // 3)]
    states = {task: _ended(caller, task, failed) for task in tasks}
    _look_around(caller, failed)
    return Counter(states.values()), failed


def _ended(caller: Caller, task: str, failed: Counter[str]) -> str:
    """The state in which the task ended, or the last one seen; its picture must be there."""
    deadline, state = time.monotonic() + WITHIN_SECONDS, ""
    while state not in ENDED and time.monotonic() < deadline:
        answer = caller.call("GET", f"/api/v1/generation/{task}")
        failed[f"poll: {answer.status}"] += not answer.ok
        state = answer.data["state"] if answer.ok else state
        time.sleep(0.1)
    if state == "completed" and not caller.call("GET", answer.data["result_url"]).ok:
        failed["result"] += 1
    return state


def _look_around(caller: Caller, failed: Counter[str]) -> None:
    for path in ("/api/v1/images/history", "/api/v1/models", "/readyz"):
        answer = caller.call("GET", path)
        failed[f"{path}: {answer.status}"] += not answer.ok
    for nothing in [what for what, count in failed.items() if not count]:
        del failed[nothing]


def _before_newest_migration() -> str:
    newest = ["log", "-1", "--format=%H", "--diff-filter=A", "--", "shared/migrations/versions"]
    return _git("rev-parse", f"{_git(*newest)}^")


def _checked_out(revision: str, folder: Path) -> Path:
    folder.mkdir()
    archive = folder.with_suffix(".tar")
    _git("archive", "--output", str(archive), revision)
    subprocess.run(["tar", "-xf", str(archive), "-C", str(folder)], check=True)
    return folder


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
