"""Processes to supervise and a small clone to start, all of them gone after the test."""

import json
import os
import shutil
import signal
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil
import pytest

from shared.launch.records import Identity, Record
from tests.servers import until

ROOT = Path(__file__).resolve().parents[3]

STUB_MAIN = """
import os, sys
print("pid", os.getpid(), "arguments", sys.argv[1:], "data", os.environ["DATA_DIR"])
"""
STUB_PIP = """
import os, sys
if "--version" not in sys.argv:
    with open(os.environ["PIP_LOG"], "a") as log:
        log.write(" ".join(sys.argv[1:]) + "\\n")
    sys.stderr.write(os.environ.get("PIP_SAYS", ""))
    sys.exit(int(os.environ.get("PIP_STATUS", "0")))
"""


def is_running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@dataclass
class Supervised:
    """A running fake service."""

    process: subprocess.Popen[str]
    folder: Path

    def pid_of(self, name: str) -> int:
        """The recorded pid, as soon as there is one that runs."""
        path = self.folder / f"{name}-{self.process.pid}.json"
        until(lambda: path.exists() and is_running(_child_pid(path)), f"a process of {name}", seconds=10)
        return _child_pid(path)

    def end(self, number: int = signal.SIGTERM) -> str:
        """Sends the signal, waits, and returns all that was said."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=20)[0]


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., Supervised]]:
    """Supervises Python programs, given as name=source, in that order."""
    started: list[subprocess.Popen[str]] = []

    def start(grace: float = 10.0, **programs: str) -> Supervised:
        services = [
            {"name": name, "arguments": [sys.executable, "-c", source], "grace": grace}
            for name, source in programs.items()
        ]
        asked = json.dumps({"folder": str(tmp_path), "services": services})
        command = [sys.executable, "-m", "tests.shared.launch.fake_service", asked]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        started.append(process)
        return Supervised(process, tmp_path)

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Starts a Python program in a session of its own; returns once the program has made the file `ready`."""
    started: list[subprocess.Popen[bytes]] = []

    def start(source: str) -> subprocess.Popen[bytes]:
        ready = tmp_path / f"ready-{len(started)}"
        program = f"import os, pathlib, signal, subprocess, sys, time\n{source}\n"
        program += f"pathlib.Path({str(ready)!r}).touch()\ntime.sleep(60)"
        process = subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
        started.append(process)
        until(ready.exists, "the program", seconds=10)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def nobody() -> Identity:
    """A process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return Identity(process.pid, 0.0)


@dataclass
class Clone:
    """A copy of what start.sh needs, with small requirement lists, a pip that only notes what it is asked, and a
    `python -m shared.launch` that only says how it was called."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def venv(self) -> Path:
        return self.root / "venv"

    @property
    def installed(self) -> list[str]:
        """What pip was asked, one line a call."""
        log = self.root / "pip.log"
        return log.read_text().splitlines() if log.exists() else []

    def start(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.root / "start.sh", *arguments],
            cwd=self.root.parent,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )


@pytest.fixture(scope="session")
def bare_venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with nothing in it but a stub of pip."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    venv.create(folder, symlinks=True)
    pip = next(folder.glob("lib/python*/site-packages")) / "pip"
    pip.mkdir()
    (pip / "__main__.py").write_text(STUB_PIP)
    (pip / "__init__.py").touch()
    return folder


@pytest.fixture
def clone(tmp_path: Path, bare_venv: Path) -> Clone:
    root = tmp_path / "clone"
    shutil.copytree(ROOT / "shared" / "launch", root / "shared" / "launch")
    shutil.copytree(bare_venv, root / "venv", symlinks=True)
    shutil.copy(ROOT / "shared" / "__init__.py", root / "shared")
    shutil.copy(ROOT / "start.sh", root)
    shutil.copy(ROOT / ".env.example", root)
    (root / "shared" / "launch" / "__main__.py").write_text(STUB_MAIN)
    for name, content in {"shared": "a\n", "backend": "-r ../shared/requirements.txt\nb\n", "worker": "c\n"}.items():
        (root / name).mkdir(exist_ok=True)
        (root / name / "requirements.txt").write_text(content)
    environment = {"PATH": os.environ["PATH"], "PYTHON": sys.executable, "VENV_DIR": str(root / "venv")}
    return Clone(root, environment | {"PIP_LOG": str(root / "pip.log")})


def write_record(folder: Path, name: str, child: Identity, supervisor: Identity) -> Path:
    """What a supervisor would have written about its child."""
    path = folder / f"{name}-{supervisor.pid}.json"
    path.write_text(json.dumps(asdict(Record(name, child, supervisor))))
    return path


def _child_pid(path: Path) -> int:
    pid: int = json.loads(path.read_text())["child"]["pid"]
    return pid
