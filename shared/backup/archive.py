"""One tar file: the database first, then the files.

A file is written before the row that tells of it, and removed after it: each row of the database as it was then has its
file, unless somebody deleted it in the minutes between.
"""

import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from sqlalchemy import Engine

from shared.backup import database
from shared.backup.database import NotDone

FILES = "files"
UNFINISHED = ".part"


def save(engine: Engine, files: Path | None, target: Path) -> int:
    """Write the archive, readable by nobody else; how many files are in it. Without `files` the database alone.

    What was there of that name is replaced when all is done. Raises NotDone, OSError.
    """
    with _replacing(target) as unfinished, tempfile.TemporaryDirectory(dir=target.parent) as folder:
        dump = Path(folder) / "dump"
        database.save(engine, dump)
        with tarfile.open(unfinished, "w") as archive:
            archive.add(dump, f"database.{database.kind(engine)}")
            return sum(1 for path in _whole(files) if _added(archive, path, files)) if files else 0


def restore(engine: Engine, files: Path, source: Path) -> int:
    """Put it back where nothing is; how many files were in it. Raises NotDone, OSError."""
    if not database.is_empty(engine):
        raise NotDone("there is a database already: move it away, or name an empty one in DATABASE_URL")
    if any(_whole(files)):
        raise NotDone(f"there are files already: move {files} away")
    with tarfile.open(source) as archive, tempfile.TemporaryDirectory(dir=source.parent) as folder:
        _unpack_database(archive, engine, Path(folder))
        return sum(1 for member in archive if _unpacked(archive, member, files))


def _unpack_database(archive: tarfile.TarFile, engine: Engine, folder: Path) -> None:
    member = archive.next()
    expected = f"database.{database.kind(engine)}"
    if member is None or member.name != expected:
        found = member.name if member else "nothing"
        raise NotDone(f"the archive begins with {found}, and this database needs {expected}: see DATABASE_URL")
    archive.extract(member, folder, filter="data")
    database.restore(engine, folder / expected)


def _added(archive: tarfile.TarFile, path: Path, root: Path) -> bool:
    try:
        archive.add(path, str(PurePosixPath(FILES, *path.relative_to(root).parts)))
    except FileNotFoundError:  # deleted since its folder was read
        return False
    return True


def _unpacked(archive: tarfile.TarFile, member: tarfile.TarInfo, files: Path) -> bool:
    parts = PurePosixPath(member.name).parts
    if parts[:1] != (FILES,) or not member.isfile():
        return False
    member.name = str(PurePosixPath(*parts[1:]))
    archive.extract(member, files, filter="data")
    return True


def _whole(folder: Path) -> Iterator[Path]:
    """The files below it; not what a write that was cut off has left."""
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != UNFINISHED)


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    unfinished = target.with_name(f"{target.name}{UNFINISHED}")
    os.close(os.open(unfinished, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
    try:
        yield unfinished
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
