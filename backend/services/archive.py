"""A zip that is sent while it is written, with nothing of it kept but its table of contents."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import IO, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

FIRST = datetime(1980, 1, 1, tzinfo=UTC)  # the format knows no time before
OWNER_READS = 0o600 << 16


class Archive:
    """Each method returns the bytes that are to be sent next, which have to be taken before the next call."""

    def __init__(self) -> None:
        self._sink = _Sink()
        self._zip = ZipFile(cast(IO[bytes], self._sink), "w")  # cannot seek, so sizes and checksums follow the files

    def add(
        self, path: str, pieces: Iterable[bytes], moment: datetime, *, large: bool = False, compressed: bool = False
    ) -> Iterator[bytes]:
        """A file of that moment. One of 2 GB or more has to be said to be `large`."""
        info = ZipInfo(path, max(moment, FIRST).timetuple()[:6])
        info.compress_type = ZIP_DEFLATED if compressed else ZIP_STORED
        info.external_attr = OWNER_READS
        with self._zip.open(info, "w", force_zip64=large) as entry:
            for piece in pieces:
                entry.write(piece)
                yield self._sink.take()
        yield self._sink.take()

    def end(self) -> Iterator[bytes]:
        """The table of contents."""
        self._zip.close()
        yield self._sink.take()


class _Sink:
    """Collects what was written since it was last emptied."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def flush(self) -> None:
        """It is sent when it is taken."""

    def take(self) -> bytes:
        taken, self._written = bytes(self._written), bytearray()
        return taken
