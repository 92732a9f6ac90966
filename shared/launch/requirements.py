"""Which requirement lists a virtual environment has, as they read now.

Owns the stamp in the virtual environment. Does not know how a list gets installed.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

STAMP = "darkroom-installed.json"
UNFINISHED = "darkroom-unfinished.json"  # what the stamp said before the installation that has begun

INCLUDED = re.compile(r"^\s*(?:-r|-c|--requirement|--constraint)[\s=]\s*(\S+)", re.MULTILINE)


def closure(listed: Path) -> tuple[Path, ...]:
    """The list and all that it includes, each once, in the order of reading."""
    found: dict[Path, None] = {}
    waiting = [listed.resolve()]
    while waiting:
        path = waiting.pop(0)
        if path not in found:
            found[path] = None
            waiting += [(path.parent / name).resolve() for name in INCLUDED.findall(path.read_text())]
    return tuple(found)


def pinned(listed: Path, package: str) -> str | None:
    """The public version that the list pins the package to, e.g. 2.13.0; None when it has no such pin."""
    pin = re.compile(rf"^{re.escape(package)}==([\w.]+)\s*(?:[;#].*)?$", re.MULTILINE | re.IGNORECASE)
    matches = (pin.search(path.read_text()) for path in closure(listed))
    return next((match[1] for match in matches if match), None)


@dataclass(frozen=True)
class Stamp:
    """What was installed to the end. A list counts with all that it includes, and for one Python version."""

    root: Path
    venv: Path
    python_version: str

    def missing(self, lists: Iterable[str]) -> tuple[str, ...]:
        """Those of the lists that are not installed as they read now."""
        installed = self._read(STAMP)
        return tuple(name for name in lists if installed.get(name) != self._digest(self.root / name))

    def record(self, lists: Iterable[str]) -> None:
        """Notes the lists, and the lists they include, as installed."""
        paths = {path for name in lists for path in closure(self.root / name)}
        digests = {str(path.relative_to(self.root.resolve())): self._digest(path) for path in paths}
        self._write(self._read(UNFINISHED) | digests)
        (self.venv / UNFINISHED).unlink(missing_ok=True)

    def begin(self) -> None:
        """To be called before anything is changed: until `record`, nothing counts as installed."""
        (self.venv / UNFINISHED).unlink(missing_ok=True)
        if (self.venv / STAMP).exists():
            (self.venv / STAMP).rename(self.venv / UNFINISHED)

    def _digest(self, listed: Path) -> str:
        content = hashlib.sha256(self.python_version.encode())
        for path in closure(listed):
            content.update(path.read_bytes())
        return content.hexdigest()

    def _read(self, name: str) -> dict[str, str]:
        try:
            installed: dict[str, str] = json.loads((self.venv / name).read_text())
        except (OSError, ValueError):
            return {}
        return installed

    def _write(self, installed: dict[str, str]) -> None:
        fresh = self.venv / f"{STAMP}.{os.getpid()}"
        fresh.write_text(json.dumps(installed, indent=1, sort_keys=True))
        fresh.replace(self.venv / STAMP)
