"""Files that no row knows: what was left by somebody who died between the file and its row."""

import secrets

from shared.kept import KeptFiles
from shared.storage import Storage, discard


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

    def _next(self) -> str | None:
        folders = self._storage.folders()
        if not folders:
            return None
        if self._passed is None:
            return secrets.choice(folders)
        return next((folder for folder in folders if folder > self._passed), folders[0])
