"""What ./start.sh does with the system's Python, before any package is there. Standard library only.

Owns the order: read the command, install what it needs, make `.env`, then become the virtual environment's
`python -m shared.launch`, in the same process. Does not know what that does.
"""

import fcntl
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from shared.launch import env_file
from shared.launch.command_line import LISTS, SERVING, Request, parse
from shared.launch.console import Refused, complain, say
from shared.launch.foreground import Foreground, stop_on_sigterm
from shared.launch.installer import installer_for_this_machine
from shared.launch.requirements import Stamp
from shared.launch.virtual_environment import VirtualEnvironment

ROOT = Path(__file__).resolve().parents[2]
INTERRUPTED = 130


def main(arguments: Sequence[str]) -> int:
    """Prepares and hands over; returns only when that is not possible."""
    stop_on_sigterm()
    venv = VirtualEnvironment(Path(os.environ.get("VENV_DIR") or ROOT / ".venv").expanduser())
    try:
        request = parse(arguments)
        prepare(ROOT, venv, request)
        os.execv(venv.python, [str(venv.python), "-m", "shared.launch", *arguments])  # noqa: S606 - no shell is the point
    except Refused as refusal:
        return complain(refusal)
    except OSError as error:
        return complain(Refused(f"{error.filename or ROOT}: {error.strerror}"))
    except KeyboardInterrupt:
        return INTERRUPTED


def prepare(root: Path, venv: VirtualEnvironment, request: Request) -> None:
    """Installs the lists that the command needs and makes `.env`; quick when both are there."""
    if _is_prepared(root, venv, request):
        return
    with _alone(root) as lock:
        _install(root, venv, request, Foreground(root, hold=lock))
        if _needs_env_file(root, request):
            env_file.make(root)


def _is_prepared(root: Path, venv: VirtualEnvironment, request: Request) -> bool:
    missing = Stamp(root, venv.folder, venv.version()).missing(LISTS[request.command])
    return not missing and not _needs_env_file(root, request)


def _needs_env_file(root: Path, request: Request) -> bool:
    return request.command in SERVING and env_file.is_needed(root)


def _install(root: Path, venv: VirtualEnvironment, request: Request, run: Foreground) -> None:
    missing = Stamp(root, venv.folder, venv.version()).missing(LISTS[request.command])
    if not missing:
        return
    Stamp(root, venv.folder, venv.version()).begin()
    installer_for_this_machine(root, venv, run).install(missing)
    Stamp(root, venv.folder, venv.version()).record(missing)


@contextmanager
def _alone(root: Path) -> Iterator[int]:
    """Two starts at once install one after the other. The lock is on the clone's folder itself."""
    descriptor = os.open(root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another ./start.sh that installs")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
