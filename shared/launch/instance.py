"""One data folder, and who may use it.

Owns the folder's creation and its locks, which the kernel drops with the process that holds them, however it dies.
Does not know what is kept in the folder.
"""

import fcntl
import os
from pathlib import Path

from shared.launch.console import Refused

PROBE = b"\0" * 65536  # enough for a full disk to show


class Lock:
    """A lock that one process at a time holds; the file names the holder for the others' message."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """True when this process holds the lock now, also if it did before."""
        if self._descriptor is not None:
            return True
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Lets the next one have it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def holder(self) -> str:
        """The pid of who holds it, as written by them."""
        return self._path.read_text()


def make_run_folder(data_dir: Path) -> Path:
    """Makes the data folder and its private `run`. Raises Refused when it cannot be written to."""
    run = data_dir / "run"
    probe = run / f"probe-{os.getpid()}"
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        run.mkdir(mode=0o700, exist_ok=True)
        run.chmod(0o700)
        probe.write_bytes(PROBE)
        probe.unlink()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        message = f"DATA_DIR: cannot write to {data_dir} ({reason}): choose another folder, DATA_DIR=... ./start.sh"
        raise Refused(message, status=2) from None
    return run


def claim_web(run: Path) -> Lock:
    """The right to run the web tier of this data folder. Raises Refused when another start has it."""
    lock = Lock(run / "web.lock")
    if not lock.acquire():
        raise Refused(
            f"another ./start.sh (pid {lock.holder()}) uses {run.parent}: stop it, or start this one with "
            "another folder and port, e.g. DATA_DIR=var2 PORT=8001 ./start.sh"
        )
    return lock
