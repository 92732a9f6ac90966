"""What `./start.sh check`, `test`, `workers`, `admin`, `doctor`, `storage`, `backup` and `chaos` run.

Owns the list of tools; their settings are in pyproject.toml.
"""

import os
import sys
from pathlib import Path

from shared.launch.console import say
from shared.launch.foreground import Runner

CHECKS = {
    "format": ("ruff", "format", "--check", "."),
    "lint": ("ruff", "check", "."),
    "types": ("mypy",),
    "import rules": ("lint-imports",),
}

PROGRAMS = {
    "test": "pytest",
    "workers": "shared.worker_table",
    "admin": "backend.administrators",
    "doctor": "shared.doctor",
    "storage": "shared.moving",
    "backup": "shared.backup",
    "chaos": "tests.chaos",
}


def check(run: Runner) -> int:
    """Runs all of the checks, also when one fails; 0 when all passed."""
    failed = [name for name, tool in CHECKS.items() if not _passes(run, name, tool)]
    say(f"failed: {', '.join(failed)}" if failed else "all checks passed")
    return 1 if failed else 0


def become(root: Path, command: str, arguments: tuple[str, ...]) -> None:
    """Replaces this process by the command's program, so that its exit status and its signals are ours."""
    os.chdir(root)
    os.execv(sys.executable, [sys.executable, "-m", PROGRAMS[command], *arguments])  # noqa: S606 - no shell is the point


def _passes(run: Runner, name: str, tool: tuple[str, ...]) -> bool:
    say(f"{name}: {' '.join(tool)}")
    program, *arguments = tool
    return run([str(Path(sys.executable).with_name(program)), *arguments]).ok
