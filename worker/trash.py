"""What users' trash loses when its time is over, and what goes into it by itself. Several workers may be at it."""

from sqlalchemy import Engine, select

from shared.db import write
from shared.models import TrashItem
from shared.storage import Storage, discard
from shared.trash import expired, release, remove, retire

BATCH = 500  # of each kind, in one round


class Trash:
    """Everybody's: kept for `trash_days`, and after `result_days` (0: never) there go finished tasks too."""

    def __init__(self, engine: Engine, storage: Storage, trash_days: float, result_days: float) -> None:
        self._engine = engine
        self._storage = storage
        self._trash_days = trash_days
        self._result_days = result_days

    def fill(self) -> int:
        """Put the oldest finished tasks into it that are past their time. Returns how many."""
        if not self._result_days:
            return 0
        with write(self._engine) as connection:
            return retire(connection, self._result_days, BATCH)

    def empty(self) -> int:
        """Remove for good what is past its time, a transaction each; uploads that it alone used go later."""
        over = select(TrashItem.id, TrashItem.user_id).where(expired(self._trash_days)).order_by(TrashItem.deleted_at)
        with self._engine.connect() as connection:
            found = connection.execute(over.limit(BATCH)).all()
        removed = sum(self._remove(item.id) for item in found)
        for user_id in {item.user_id for item in found}:
            with write(self._engine) as connection:
                release(connection, user_id)
        return removed

    def _remove(self, item_id: int) -> bool:
        with write(self._engine) as connection:
            keys = remove(connection, item_id, expired(self._trash_days))
        discard(self._storage, keys or ())
        return keys is not None
