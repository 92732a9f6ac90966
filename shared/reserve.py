"""Room on the disk that the database shares with the files: to write, on a full disk, that a task failed of it."""

import os
from contextlib import suppress
from pathlib import Path

BYTES = 4 << 20


class Reserve:
    """A file that is given up when the disk is full, and made again when there is room."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self) -> None:
        """Make it, if it is not there and there is room."""
        if self._path.exists():
            return
        try:
            with self._path.open("xb") as file:
                os.posix_fallocate(file.fileno(), 0, BYTES)
        except OSError:  # no room, or somebody else makes it
            self.give_up()

    def give_up(self) -> None:
        """Leave its room to the database."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
