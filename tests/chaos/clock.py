"""A clock of the day that can be set while the process runs: a few functions of the C library, preloaded.

libfaketime cannot serve: it makes waiting for a moment of the monotonic clock fail once the other one is set back.
"""

import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("clock.c")


class SettableClock:
    """Of the processes that are started with `environment`; where there is no C compiler, of none."""

    def __init__(self, folder: Path) -> None:
        self._library = folder / "clock.so"
        self._ahead = folder / "clock"
        self.is_built = bool(shutil.which("cc")) and self._build()
        self.set(0)

    @property
    def environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self._library), "CHAOS_CLOCK": str(self._ahead)} if self.is_built else {}

    def set(self, seconds: int) -> None:
        """So far ahead of the true time."""
        fresh = self._ahead.with_suffix(".new")
        fresh.write_text(f"{seconds}\n")
        fresh.replace(self._ahead)

    def _build(self) -> bool:
        command = ["cc", "-shared", "-fPIC", "-O2", "-o", str(self._library), str(SOURCE)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
