"""Who started which process, on disk, so that the start after a kill -9 can end what was left over.

Owns the records in the data folder's `run`. A pid alone proves nothing, it is given out again: a process is the one
meant only if it was also created at the recorded time. Does not know what the processes do.
"""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from shared.launch.console import say

SAME_TIME = 1.0  # seconds; some systems' creation times move with corrections of the clock
GRACE = 3.0  # seconds that a left-over process gets between SIGTERM and SIGKILL


@dataclass(frozen=True)
class Identity:
    """One process, for all time."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> "Identity":
        """The process that has the pid now. Raises psutil.NoSuchProcess."""
        return cls(pid, psutil.Process(pid).create_time())

    def is_alive(self) -> bool:
        """A zombie is not."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < SAME_TIME
        except psutil.NoSuchProcess:
            return False
        return same and not _is_zombie(self.pid)


@dataclass(frozen=True)
class Record:
    """A child, which leads a session of its own, and the supervisor that started it."""

    name: str
    child: Identity
    supervisor: Identity

    def is_orphaned(self) -> bool:
        return not self.supervisor.is_alive()


class Records:
    """The records of all supervisors that share one `run` folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._supervisor = Identity.of(os.getpid())

    def write(self, name: str, pid: int) -> None:
        """Notes a child of this process, just started."""
        try:
            record = Record(name, Identity.of(pid), self._supervisor)
        except psutil.NoSuchProcess:
            return
        path = self._path(name)
        unfinished = path.with_suffix(".new")
        try:
            unfinished.write_text(json.dumps(asdict(record)))
            unfinished.replace(path)
        except OSError as error:  # no reason to end the process: only a kill -9 would leave it over
            say(f"cannot note the process of {name} in {path} ({error.strerror})")

    def remove(self, name: str) -> None:
        """Forgets a child of this process: it is gone."""
        self._path(name).unlink(missing_ok=True)

    def end_orphans(self, grace: float = GRACE) -> None:
        """Ends every recorded process whose supervisor is dead, with its whole session."""
        orphans = {path: record for path, record in self._all() if record is None or record.is_orphaned()}
        alive = [record for record in orphans.values() if record and _session(record)]
        for record in alive:
            say(f"ending {record.name} (pid {record.child.pid}), left over from a start that was killed")
            _signal([record.child.pid], signal.SIGTERM)
        if not _are_gone(alive, grace):
            _signal([pid for record in alive for pid in _session(record)], signal.SIGKILL)
            _are_gone(alive, GRACE)
        for path in orphans:
            path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}-{self._supervisor.pid}.json"

    def _all(self) -> Iterator[tuple[Path, Record | None]]:
        for path in sorted(self._folder.glob("*-*.json")):
            yield path, _read(path)


def _read(path: Path) -> Record | None:
    try:
        fields = json.loads(path.read_text())
        return Record(fields["name"], Identity(**fields["child"]), Identity(**fields["supervisor"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _are_gone(records: list[Record], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(map(_session, records)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _session(record: Record) -> list[int]:
    """The living processes of the child's session, also when the child itself is dead.

    A pid is not given out again while it names a session, so its members are the child's unless a newcomer has it.
    """
    if psutil.pid_exists(record.child.pid) and not record.child.is_alive() and not _is_zombie(record.child.pid):
        return []
    return [pid for pid in psutil.pids() if _session_of(pid) == record.child.pid and not _is_zombie(pid)]


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None


def _is_zombie(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
