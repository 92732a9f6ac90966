"""Files by key, such as `results/3f/task_ab3f.1.1.png`. A key is there whole or not at all."""

import os
import tempfile
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

from shared.errors import NotFound

GROUP_READS = 0o640  # nginx may send the files


EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "video/mp4": "mp4"}


class Storage(Protocol):
    """Where files live."""

    def save(self, key: str, data: bytes) -> None:
        """Write, durably and at once. Raises OSError when the disk is full or away."""

    def open(self, key: str) -> BinaryIO:
        """A seekable stream to read and close. Raises NotFound."""

    def delete(self, key: str) -> None:
        """Remove; a key that is not there is no error."""

    def probe(self) -> None:
        """Raises OSError when nothing can be written."""


class LocalStorage:
    """A folder."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def save(self, key: str, data: bytes) -> None:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
        try:
            os.fchmod(descriptor, GROUP_READS)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)

    def open(self, key: str) -> BinaryIO:
        try:
            return self._path(key).open("rb")
        except (FileNotFoundError, IsADirectoryError) as error:
            raise NotFound(key) from error

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def probe(self) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=self._root) as file:
            file.write(b"probe")
            file.flush()

    def _path(self, key: str) -> Path:
        parts = PurePosixPath(key).parts
        if not parts or key.startswith("/") or ".." in parts or "\0" in key:
            raise NotFound(key)
        return self._root.joinpath(*parts)


def _sync_folder(folder: Path) -> None:
    """Make a rename in this folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
