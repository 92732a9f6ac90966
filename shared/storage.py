"""Files by key, such as `results/3f/task_ab3f.1.1.png`. A key is there whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

from shared.errors import NotFound

GROUP_READS = 0o640  # nginx may send the files


EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "video/mp4": "mp4"}


@dataclass(frozen=True)
class Stored:
    """A file as a listing has it; `modified` is the storage's own time, in seconds since 1970."""

    key: str
    size: int
    modified: float


class Storage(Protocol):
    """Where files live."""

    def save(self, key: str, data: bytes) -> None:
        """Write, durably and at once. Raises OSError when the disk is full or away."""

    def open(self, key: str) -> BinaryIO:
        """A seekable stream to read and close. Raises NotFound."""

    def size(self, key: str) -> int:
        """In bytes. Raises NotFound."""

    def delete(self, key: str) -> None:
        """Remove; a key that is not there is no error."""

    def folders(self) -> list[str]:
        """Where files are, such as `results/3f`: sorted, and found without looking at the files."""

    def files(self, folder: str) -> Iterator[Stored]:
        """Those of one folder one after the other, in no order, also what a save that was cut off has left."""

    def probe(self) -> None:
        """Raises OSError when nothing can be written."""


class LocalStorage:
    """A folder."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def save(self, key: str, data: bytes) -> None:
        path = self._path(key)
        _make_folder(path.parent)
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

    def size(self, key: str) -> int:
        try:
            return self._path(key).stat().st_size
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFound(key) from error

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def folders(self) -> list[str]:
        return sorted(str(folder.relative_to(self._root)) for folder in self._root.glob("*/*/"))

    def files(self, folder: str) -> Iterator[Stored]:
        with suppress(FileNotFoundError), os.scandir(self._root / folder) as entries:
            yield from (found for entry in entries if (found := _stored(folder, entry)))

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


def _stored(folder: str, entry: os.DirEntry[str]) -> Stored | None:
    """None for what is no file, or has gone since its folder was read."""
    try:
        if not entry.is_file(follow_symlinks=False):
            return None
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    return Stored(str(PurePosixPath(folder, entry.name)), status.st_size, status.st_mtime)


def _make_folder(folder: Path) -> None:
    """With those above it; a new folder has to survive a power cut as well as what is written into it."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename in this folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
