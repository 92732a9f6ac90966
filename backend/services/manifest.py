"""A JSON object that is written in parts: its lists may be longer than memory has room for."""

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import IO, Any

from shared.clock import isoformat

IN_MEMORY = 1 << 20
PIECE = 1 << 18


class Manifest:
    """Kept in a file without a name until it is read."""

    def __init__(self, beginning: Mapping[str, Any]) -> None:
        """`beginning` is what stands before the lists, and not empty."""
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - `close` says how long
        self._write(_text(beginning).removesuffix("}").rstrip())

    @contextmanager
    def list(self, name: str) -> Iterator[Callable[[Any], None]]:
        """A list, to which the block adds."""
        self._write(f",\n {_text(name)}: [")
        separator = "\n  "

        def add(item: Any) -> None:
            nonlocal separator
            self._write(separator + _text(item))
            separator = ",\n  "

        yield add
        self._write("]")

    def pieces(self, ending: Mapping[str, Any]) -> Iterator[bytes]:
        """All of it, with what stands behind the lists. Raises OSError."""
        self._write("".join(f",\n {_text(name)}: {_text(value)}" for name, value in ending.items()) + "\n}\n")
        self._file.seek(0)
        while piece := self._file.read(PIECE):
            yield piece

    def close(self) -> None:
        """Remove the file."""
        self._file.close()

    def _write(self, text: str) -> None:
        self._file.write(text.encode())


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_moment)


def _moment(value: datetime) -> str:
    return isoformat(value)
