"""`./start.sh storage copy`: the files from the folder into the bucket, or back; what is there already stays."""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath

from shared import settings
from shared.errors import NotFound
from shared.settings import Settings
from shared.storage import LocalStorage, Storage, Stored, folder_of, storage_of

THREADS = 8


@dataclass
class Copied:
    """How much went over, and how many files needed not."""

    files: int = 0
    bytes: int = 0
    known: int = 0

    def __str__(self) -> str:
        return f"{self.files} files copied ({self.bytes / 1e6:.1f} MB), {self.known} were there"


def main(arguments: Sequence[str]) -> int:
    """The exit status."""
    asked = _parsed(arguments)
    try:
        configured = settings.load()
    except settings.InvalidSettings as error:
        return _complain(f"{error}: see .env.example", 2)
    if not configured.storage_url:
        return _complain("there is no bucket: STORAGE_URL is not set", 2)
    try:
        copied = copy(*_ends(configured, back=asked.back))
    except OSError as error:
        return _complain(f"{error}: what was copied stays, so that the next try goes on there", 1)
    sys.stdout.write(f"{copied}\n")
    return 0


def copy(source: Storage, target: Storage) -> Copied:
    """Folder by folder. Raises OSError at the first file that cannot be copied."""
    copied = Copied()
    with ThreadPoolExecutor(THREADS) as pool:
        for folder in source.folders():
            there = {file.key: file.size for file in target.files(folder)}
            files = [file for file in source.files(folder) if not _is_unfinished(file)]
            missing = [file for file in files if there.get(file.key) != file.size]
            sizes = [size for size in pool.map(lambda file: _copy(source, target, file), missing) if size is not None]
            copied.files += len(sizes)
            copied.bytes += sum(sizes)
            copied.known += len(files) - len(missing)
    return copied


def _copy(source: Storage, target: Storage, file: Stored) -> int | None:
    """Its size; None if it was deleted since it was listed."""
    try:
        with source.open(file.key) as stream:
            data = stream.read()
    except NotFound:
        return None
    target.save(file.key, data)
    return len(data)


def _is_unfinished(file: Stored) -> bool:
    """What a save that was cut off has left in a folder."""
    return PurePosixPath(file.key).name.startswith(".")


def _ends(configured: Settings, *, back: bool) -> tuple[Storage, Storage]:
    folder, bucket = LocalStorage(folder_of(configured)), storage_of(configured)
    return (bucket, folder) if back else (folder, bucket)


def _complain(problem: str, status: int) -> int:
    sys.stderr.write(f"storage: {problem}\n")
    return status


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./start.sh storage", description="Moves a service's files.")
    commands = parser.add_subparsers(required=True)
    copying = commands.add_parser("copy", help="copy DATA_DIR's files into the bucket of STORAGE_URL")
    copying.add_argument("--back", action="store_true", help="the other way round")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
