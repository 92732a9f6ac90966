"""Puts files of the storage into a zip, and says of each what has really come into it."""

import hashlib
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

from backend.services.archive import Archive
from shared.clock import now
from shared.errors import NotFound
from shared.storage import Storage

PIECE = 1 << 18
LARGE = 1 << 30  # beyond 2 GB a zip needs longer fields; half of that leaves room for a row that is wrong
MANIFEST = "manifest.json"


@dataclass
class Measured:
    """What was read of a file so far."""

    size: int = 0
    digest: Any = field(default_factory=hashlib.sha256)
    error: str = ""

    def pieces(self, stream: BinaryIO) -> Iterator[bytes]:
        """What is left out for an error is no more to be had."""
        try:
            while piece := stream.read(PIECE):
                self.size += len(piece)
                self.digest.update(piece)
                yield piece
        except OSError:
            self.error = "cut_off"


class Packer:
    """One zip. A file that has gone, or cannot be read, is among the `errors` and holds up no other."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._archive = Archive()
        self.files = 0
        self.errors: list[dict[str, str]] = []

    def pack(
        self, path: str, key: str, moment: datetime, size: int | None = None, sha256: str | None = None
    ) -> Generator[bytes, None, dict[str, Any]]:
        """The pieces to send; returns where the file is in the zip, its size and checksum.

        `size` and `sha256` are as its row has them, where it has.
        """
        try:
            stream = self._storage.open(key)
        except (NotFound, OSError) as error:
            return self._missing(path, "missing" if isinstance(error, NotFound) else "unreadable")
        measured = Measured()
        with stream:
            yield from self._archive.add(path, measured.pieces(stream), moment, large=(size or 0) > LARGE)
        self.files += 1
        told = {"path": path, "bytes": measured.size, "sha256": measured.digest.hexdigest()}
        if not measured.error and sha256 not in {None, told["sha256"]}:
            measured.error = "changed"
        if measured.error:
            self.errors.append({"path": path, "error": measured.error})
        return told

    def end(self, manifest: Iterable[bytes]) -> Iterator[bytes]:
        """The last pieces."""
        yield from self._archive.add(MANIFEST, manifest, now(), large=True, compressed=True)
        yield from self._archive.end()

    def _missing(self, path: str, error: str) -> dict[str, Any]:
        self.errors.append({"path": path, "error": error})
        return {"path": None, "bytes": 0, "sha256": None}
