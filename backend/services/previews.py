"""What running tasks can show by now."""

from sqlalchemy import String, bindparam, select

from backend.reads import Reads
from backend.services.generation import TASKS
from shared.erasure import kept
from shared.errors import NotFound
from shared.lifecycle import Status
from shared.progress import ProgressBoard

RUNNING = select(TASKS.user_id, TASKS.fence).where(
    TASKS.public_id == bindparam("public_id", type_=String),
    TASKS.status == Status.PROCESSING,
    TASKS.deleted_at.is_(None),
    kept(TASKS.user_id),
)


class Previews:
    """The last small picture of each running task. Somebody else's is NotFound, as one that does not exist."""

    def __init__(self, reads: Reads, progress: ProgressBoard) -> None:
        self._reads = reads
        self._progress = progress

    def find(self, user_id: int | None, public_id: str) -> bytes:
        """A WebP, for the task's user or, with None, for whoever has its signed link. Raises NotFound."""
        row = self._reads.one(RUNNING, public_id=public_id)
        if row is None or user_id not in {None, row.user_id}:
            raise NotFound(public_id)
        picture = self._progress.preview(public_id, row.fence)
        if picture is None:
            raise NotFound(public_id)
        return picture
