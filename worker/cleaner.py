"""The thread that removes what has had its time: mailed codes, the list of given-up tokens, uploads nobody used.

It also encrypts anew what an earlier secret encrypted, sweeps up files that no row knows, looks after the trash, and
erases accounts.

Every worker runs one, at the same time as the others: each removal says again what must still be so.
"""

import threading
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Engine, delete, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import InstrumentedAttribute

from shared.clock import database_now
from shared.db import write
from shared.models import RevokedToken, Upload, VerificationCode
from shared.storage import Storage
from worker.eraser import Eraser
from worker.rotation import Rotation
from worker.sweep import Sweep
from worker.trash import Trash

log = structlog.get_logger(__name__)

BATCH = 500  # of each kind, in one round
UPLOAD_BATCH = 100  # each is a transaction and a file
STOP_SECONDS = 5.0


class Cleaner(threading.Thread):
    """Cleans once in each interval until stopped; on connections of its own, so that nobody waits for it."""

    def __init__(
        self,
        engine: Engine,
        storage: Storage,
        rotation: Rotation,
        sweep: Sweep,
        trash: Trash,
        eraser: Eraser,
        upload_hours: float,
        interval: float,
    ) -> None:
        super().__init__(name="cleaner", daemon=True)
        self._engine = engine
        self._storage = storage
        self._rotation = rotation
        self._sweep = sweep
        self._trash = trash
        self._eraser = eraser
        self._upload_seconds = upload_hours * 3600
        self._interval = interval
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(self._interval):
            self.clean()

    def stop(self) -> None:
        """At once, or after the row that it is at."""
        self._stopped.set()
        if self.is_alive():
            self.join(STOP_SECONDS)

    def clean(self) -> None:
        """One round. What fails is tried again in the next one."""
        try:
            codes = self._remove(VerificationCode.id, VerificationCode.expires_at < database_now())
            tokens = self._remove(RevokedToken.jti, RevokedToken.expires_at < database_now())
            uploads = sum(self._remove_upload(*upload) for upload in self._unused_uploads())
            keys = self._rotation.advance()
            files = self._sweep.advance()
            done = {"codes": codes, "tokens": tokens, "uploads": uploads, "rotated_keys": keys, "files": files}
            done |= {"trashed": self._trash.fill(), "removed": self._trash.empty()}
            done |= {"erased": self._eraser.advance(self._stopped.is_set)}
            if any(done.values()):
                log.info("cleaned", **done)
            self._storage.probe()  # after room has been made
            self._sweep.look()
        except (DBAPIError, OSError) as error:  # the database or the files are away
            log.warning("cleaning_missed", error=type(error).__name__)
        except Exception as error:  # the edge of this thread: it has to live as long as the process
            log.error("cleaning_failed", exc_info=error)

    def _remove(self, key: InstrumentedAttribute[Any], expired: ColumnElement[bool]) -> int:
        """Remove some expired rows; a code may have been replaced by a fresh one since it was found."""
        with self._engine.connect() as connection:
            found = connection.scalars(select(key).where(expired).limit(BATCH)).all()
        if not found:
            return 0
        with write(self._engine) as connection:
            return connection.execute(delete(key.class_).where(key.in_(found), expired)).rowcount

    def _unused_uploads(self) -> list[tuple[int, str]]:
        """The ids and storage keys of the oldest ones."""
        unused = (Upload.used_at.is_(None), Upload.created_at < database_now(-self._upload_seconds))
        oldest = select(Upload.id, Upload.key).where(*unused).order_by(Upload.created_at).limit(UPLOAD_BATCH)
        with self._engine.connect() as connection:
            return [(id, key) for id, key in connection.execute(oldest)]

    def _remove_upload(self, id: int, key: str) -> bool:
        """The row first: while it is there somebody may use it, and once it has gone nobody can."""
        if self._stopped.is_set():
            return False
        with write(self._engine) as connection:
            gone = connection.execute(delete(Upload).where(Upload.id == id, Upload.used_at.is_(None))).rowcount == 1
        if gone:
            self._delete_file(key)
        return gone

    def _delete_file(self, key: str) -> None:
        try:
            self._storage.delete(key)
        except OSError as error:
            log.error("upload_not_deleted", key=key, error=str(error))
