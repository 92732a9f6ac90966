"""The virtual environment: where its Python is, whether it works, how it is made.

Does not know what gets installed in it.
"""

import importlib.util
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from shared.launch.console import Refused, say
from shared.launch.foreground import Runner

PRINT_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"


@dataclass(frozen=True)
class VirtualEnvironment:
    """One folder made by `python -m venv`."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def version(self) -> str:
        """Its Python's version, e.g. 3.12; empty when there is none that runs."""
        try:
            asked = subprocess.run(
                [self.python, "-I", "-c", PRINT_VERSION], capture_output=True, text=True, check=False
            )
        except OSError:
            return ""
        return asked.stdout.strip() if asked.returncode == 0 else ""

    def has(self, package: str, version: str) -> bool:
        """True when pip has installed this public version to the end (the RECORD is what it writes last)."""
        records = self.folder.glob(f"lib/python*/site-packages/{package}-*.dist-info/RECORD")
        installed = {path.parent.name.removesuffix(".dist-info").split("-", 1)[1] for path in records}
        return version in {name.split("+")[0] for name in installed}

    def ensure(self, run: Runner) -> None:
        """Makes it unless it is there and has pip. Raises Refused when this Python cannot."""
        if self._is_whole():
            return
        if not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):
            raise Refused(_no_venv_module())
        say(f"making the virtual environment {self.folder}")
        clear = ["--clear"] if (self.folder / "pyvenv.cfg").exists() else []
        made = run([sys.executable, "-m", "venv", *clear, str(self.folder)])
        if made.disk_full:
            raise Refused(f"the disk of {self.folder} is full: free some space, or set VENV_DIR to another disk")
        if not made.ok:
            raise Refused(f"could not make {self.folder} (see above): set VENV_DIR or PYTHON to another one")

    def _is_whole(self) -> bool:
        if not self.version():
            return False
        pip = subprocess.run([self.python, "-m", "pip", "--version"], capture_output=True, check=False)
        return pip.returncode == 0


def _no_venv_module() -> str:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return (
        f"{sys.executable} has no venv module: install it (Debian, Ubuntu: apt install python{version}-venv) "
        "or set PYTHON to another Python"
    )
