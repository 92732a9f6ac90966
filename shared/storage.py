"""Files by key, such as `results/3f/task_ab3f.1.1.png`. A key is there whole or not at all."""

import errno
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

import structlog

from shared.errors import NotFound
from shared.reserve import Reserve
from shared.settings import Settings

log = structlog.get_logger(__name__)

FULL = {errno.ENOSPC, errno.EDQUOT}
GROUP_READS = 0o640  # nginx may send the files


EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "video/mp4": "mp4"}


@dataclass(frozen=True)
class Stored:
    """A file as a listing has it; `modified` is the storage's own time, in seconds since 1970."""

    key: str
    size: int
    modified: float


@dataclass(frozen=True)
class Headers:
    """What whoever sends a file to a client says of it."""

    content_type: str
    content_disposition: str
    cache_control: str


class Storage(Protocol):
    """Where files live. One that is away, or refuses, raises OSError whatever it is asked."""

    def save(self, key: str, data: bytes) -> None:
        """Write, durably and at once. Raises OSError when the disk is full or away."""

    def open(self, key: str) -> BinaryIO:
        """A seekable stream to read and close. Raises NotFound."""

    def size(self, key: str) -> int:
        """In bytes. Raises NotFound."""

    def link(self, key: str, headers: Headers) -> str | None:
        """A url that serves the file to whoever has it, for a while; None where the web tier has to send it."""

    def delete(self, key: str) -> None:
        """Remove; a key that is not there is no error."""

    def folders(self) -> list[str]:
        """Where files are, such as `results/3f`: sorted, and found without looking at the files."""

    def files(self, folder: str) -> Iterator[Stored]:
        """Those of one folder one after the other, in no order, also what a save that was cut off has left."""

    def probe(self) -> None:
        """Raises OSError when nothing can be written."""


class LocalStorage:
    """A folder; the reserve is given up when its disk is full, and made again when it is probed."""

    def __init__(self, root: Path, reserve: Reserve | None = None) -> None:
        self._root = root.resolve()
        self._reserve = reserve

    def save(self, key: str, data: bytes) -> None:
        try:
            self._write(self._path(key), data)
        except OSError as error:
            if self._reserve and error.errno in FULL:
                self._reserve.give_up()
            raise

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

    def link(self, key: str, headers: Headers) -> str | None:
        return None

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
        if self._reserve:
            self._reserve.keep()

    def _write(self, path: Path, data: bytes) -> None:
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

    def _path(self, key: str) -> Path:
        return self._root.joinpath(*parts_of(key))


def folder_of(settings: Settings) -> Path:
    """Where files are that are in no bucket."""
    return settings.data_dir / "files"


def storage_of(settings: Settings) -> Storage:
    """The one that the settings ask for; whether it is there is not looked at."""
    if not settings.storage_url:
        embedded = settings.database.startswith("sqlite")
        return LocalStorage(folder_of(settings), Reserve(settings.data_dir / "reserve") if embedded else None)
    from shared.object_storage import S3Storage  # only now: who has a folder need not wait for the import

    return S3Storage(settings)


def warn_if_away(storage: Storage) -> None:
    """Say in the log at the start that files cannot be kept; whoever keeps one later hears it again."""
    try:
        storage.probe()
    except OSError as error:
        log.error("storage_away", error=str(error))


def discard(storage: Storage, keys: Iterable[str]) -> int:
    """Delete what no row knows; what cannot be deleted is left to the sweep. Returns how many are gone."""
    return sum(_discarded(storage, key) for key in keys)


def _discarded(storage: Storage, key: str) -> bool:
    try:
        storage.delete(key)
    except OSError as error:
        log.warning("file_left_behind", key=key, error=str(error))
        return False
    return True


def parts_of(key: str) -> tuple[str, ...]:
    """A key's folders and its name. Raises NotFound for what would lead out of the storage."""
    parts = PurePosixPath(key).parts
    if not parts or key.startswith("/") or ".." in parts or "\0" in key:
        raise NotFound(key)
    return parts


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
