"""Brings the requirement lists into the virtual environment, without gigabytes that this machine cannot use.

Owns the choice of the torch build and the check of disk space. Does not know what a list is needed for.
"""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from shared.launch.console import Refused, say
from shared.launch.foreground import Finished, Runner
from shared.launch.requirements import pinned
from shared.launch.virtual_environment import VirtualEnvironment

CPU_BUILDS = ("--extra-index-url", "https://download.pytorch.org/whl/cpu")
IMPATIENTLY = ("--timeout", "10", "--retries", "1")  # an index that cannot be reached costs seconds
NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")

GIGABYTES = 0.6  # web tier and tests: 0.3 GB installed, and what pip unpacks meanwhile
GIGABYTES_TORCH = 2.4
GIGABYTES_CUDA = 9.0


def has_nvidia_card() -> bool:
    """True when the driver is loaded or nvidia-smi names a card."""
    if NVIDIA_DRIVER.exists():
        return True
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, timeout=15, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return listed.returncode == 0 and listed.stdout.startswith(b"GPU")


@dataclass(frozen=True)
class Installer:
    """Installs lists of one clone in one virtual environment."""

    root: Path
    venv: VirtualEnvironment
    run: Runner
    wants_cpu_torch: bool

    def install(self, lists: tuple[str, ...]) -> None:
        """Runs pip until all of the lists are there. Raises Refused with what to do when that fails."""
        torch = self._torch_to_fetch(lists)
        self._check_space(torch is not None)
        self.venv.ensure(self.run)
        say(f"installing {', '.join(lists)} (only when they change; the first time takes some minutes)")
        if torch and self.wants_cpu_torch and not self._install_cpu_torch(torch):
            say("no CPU build of torch within reach: installing the CUDA build, several gigabytes")
            self._check_space(True, GIGABYTES_CUDA)
        self._demand(self._pip(*[word for name in lists for word in ("-r", str(self.root / name))]))

    def _torch_to_fetch(self, lists: tuple[str, ...]) -> str | None:
        version = next(filter(None, (pinned(self.root / name, "torch") for name in lists)), None)
        return None if version is None or self.venv.has("torch", version) else version

    def _install_cpu_torch(self, version: str) -> bool:
        for index in ((), CPU_BUILDS):
            outcome = self._pip(f"torch=={version}+cpu", *IMPATIENTLY, *index, show_errors=False)
            if outcome.ok:
                return True
            if outcome.disk_full:
                self._demand(outcome)
        return False

    def _pip(self, *arguments: str, show_errors: bool = True) -> Finished:
        pip = [str(self.venv.python), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
        return self.run([*pip, *arguments], show_errors=show_errors)

    def _demand(self, outcome: Finished) -> None:
        if outcome.disk_full:
            raise Refused(
                f"the disk is full: free some space for {self.venv.folder} and the temporary folder, "
                "or set VENV_DIR and TMPDIR to another disk"
            )
        if not outcome.ok:
            raise Refused("pip failed (see above): when its cause is gone, ./start.sh goes on where it stopped")

    def _check_space(self, with_torch: bool, gigabytes: float | None = None) -> None:
        torch = GIGABYTES_TORCH if self.wants_cpu_torch or sys.platform == "darwin" else GIGABYTES_CUDA
        needed = gigabytes or GIGABYTES + (torch if with_torch else 0)
        there = next(path for path in (self.venv.folder, *self.venv.folder.parents) if path.exists())
        free = shutil.disk_usage(there).free / 1e9
        if free < needed:
            raise Refused(
                f"{self.venv.folder} needs {needed:.1f} GB of disk and {free:.1f} GB are free: "
                "free some space, or set VENV_DIR to another disk"
            )


def installer_for_this_machine(root: Path, venv: VirtualEnvironment, run: Runner) -> Installer:
    """PyPI's torch for Linux is the CUDA build, for macOS it is not; only Linux without a card must choose."""
    return Installer(root, venv, run, wants_cpu_torch=sys.platform == "linux" and not has_nvidia_card())
