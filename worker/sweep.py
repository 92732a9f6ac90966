"""Files that no row knows, left by somebody who died between the file and its row; and rows whose files have gone."""

import secrets

import structlog

from shared.errors import NotFound
from shared.kept import Kept, KeptFiles
from shared.storage import Storage, Stored, discard

log = structlog.get_logger(__name__)

TASKS_A_LOOK = 50
NAMED = 10


class Sweep:
    """Goes through the storage folder by folder, each time one; begins anywhere, so that several workers share it."""

    def __init__(self, storage: Storage, kept: KeptFiles) -> None:
        self._storage = storage
        self._kept = kept
        self._passed: str | None = None

    def advance(self) -> int:
        """The next folder. Returns how many files were removed."""
        self._passed = self._next()
        if self._passed is None:
            return 0
        found = self._kept.removable(self._storage.files(self._passed))
        return discard(self._storage, (file.key for file in found))

    def look(self) -> list[Kept]:
        """Which files of some rows are not there; says so in the log. The doctor looks at all of them at once."""
        gone = [file for file in self._kept.some(TASKS_A_LOOK) if not self._is_there(file)]
        given_up = {file.key for file in self._kept.unknown(Stored(file.key, 0, 0) for file in gone)}
        missing = [file for file in gone if file.key not in given_up]
        if missing:
            log.error("files_missing", count=len(missing), keys=[file.key for file in missing[:NAMED]])
        return missing

    def _is_there(self, file: Kept) -> bool:
        try:
            return self._storage.size(file.key) == file.size
        except NotFound:
            return False

    def _next(self) -> str | None:
        folders = self._storage.folders()
        if not folders:
            return None
        if self._passed is None:
            return secrets.choice(folders)
        return next((folder for folder in folders if folder > self._passed), folders[0])
