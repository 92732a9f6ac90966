"""A disk that can be filled: a small tmpfs, where this user may mount one."""

import subprocess
from contextlib import suppress
from pathlib import Path

PIECE = b"\0" * 65536


class SmallDisk:
    """The folder of the service's files, on a disk of its own."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self._folder = folder
        self._ballast = folder / "ballast"
        folder.mkdir(parents=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
        self.is_mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0

    def fill(self) -> None:
        """To the last byte."""
        with self._ballast.open("ab", buffering=0) as file, suppress(OSError):
            while file.write(PIECE):
                pass

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)

    def unmount(self) -> None:
        if self.is_mounted:
            subprocess.run(["umount", "--lazy", str(self._folder)], check=False)
