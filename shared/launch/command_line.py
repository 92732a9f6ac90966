"""What ./start.sh can be asked to do.

Owns the commands, their requirement lists and the help text. Does not know how a command is carried out.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from shared.launch.console import Refused

WEB = "backend/requirements.txt"
WORKER = "worker/requirements.txt"
TESTS = "tests/requirements.txt"
SHARED = "shared/requirements.txt"

LISTS = {
    "all": (WEB, WORKER),
    "web": (WEB,),
    "worker": (WORKER,),
    "workers": (SHARED,),
    "admin": (WEB,),
    "doctor": (SHARED,),
    "storage": (SHARED,),
    "backup": (SHARED,),
    "test": (TESTS,),
    "check": (TESTS,),
    "chaos": (TESTS,),
}
WITH_ARGUMENTS = frozenset({"workers", "admin", "doctor", "storage", "backup", "test", "chaos"})
SERVING = frozenset({"all", "web", "worker"})

HELP = """\
Usage: ./start.sh [command]

  all            broker, database, web tier and one worker (the default)
  web            the web tier alone
  worker         one worker alone; as many as you like may share a data folder
  workers        what the workers are at; `workers drain NAME` lets one take no more tasks, `workers resume NAME` again
  admin create   makes an administrator: asks for name, e-mail and password, or promotes an account that is there
  doctor [args]  says what is wrong and what to do about it; --checksums reads every file, --repair removes left-overs
  storage copy   copies the files of DATA_DIR into the bucket of STORAGE_URL; --back copies them the other way round
  backup         `backup save FILE`: database and files in one archive; `backup restore FILE` where nothing is yet
  test [args]    the tests, with pytest's arguments, e.g. ./start.sh test -k claims
  check          format, lint, types and import rules
  chaos [args]   hundreds of tasks on private servers while everything is killed in turn; see tests/chaos/README.md

What is missing is installed first; a second start skips that.

  HOST, PORT     where the web tier listens   (127.0.0.1, 8000)
  DATA_DIR       database, files and sockets  (var)
  PYTHON         the Python to make the virtual environment with
  VENV_DIR       the virtual environment      (.venv)

Every other setting is described in .env.example.
"""


@dataclass(frozen=True)
class Request:
    """One command and what its program is given."""

    command: str
    arguments: tuple[str, ...] = ()


def parse(arguments: Sequence[str]) -> Request:
    """Reads the command line. Raises Refused when it makes no sense; prints the help and exits when asked to."""
    command, *rest = arguments or ["all"]
    if command in {"-h", "--help", "help"}:
        sys.stdout.write(HELP)
        raise SystemExit(0)
    if command not in LISTS:
        raise Refused(f"unknown command {command!r}: use one of {', '.join(LISTS)} or --help", status=2)
    if rest and command not in WITH_ARGUMENTS:
        raise Refused(f"{command} takes no arguments, got {' '.join(rest)!r}: see ./start.sh --help", status=2)
    return Request(command, tuple(rest))
