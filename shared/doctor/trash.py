"""The trash, and the bytes that quotas count: what a worker or web tier of an earlier version may have left undone."""

from sqlalchemy import Engine, func, select, update

from shared.db import write
from shared.doctor.finding import Finding
from shared.kept import total
from shared.models import Task, TrashItem
from shared.settings import Settings
from shared.trash import GIVEN_UP, STRAY, adopt, expired

GRACE_DAYS = 1.0
REPAIR = "./start.sh doctor --repair corrects it"


def trash(settings: Settings, engine: Engine, repair: bool) -> Finding:
    """Whether every deleted record is in it, which is asked to be mended, and nothing long past its time."""
    adopted = _adopted(engine) if repair else 0
    with engine.connect() as connection:
        stray = connection.scalar(select(func.count()).select_from(Task).where(*STRAY)) or 0
        late = (expired(settings.trash_days + GRACE_DAYS), TrashItem.deleted_at != GIVEN_UP)
        over = connection.scalar(select(func.count()).select_from(TrashItem).where(*late)) or 0
        items = connection.scalar(select(func.count()).select_from(TrashItem)) or 0
    if stray:
        return Finding("trash", f"{stray} deleted records are in nobody's trash, and stay for ever", REPAIR)
    if over:
        said = f"{over} of {items} things in it should have been removed a day ago or more"
        return Finding("trash", said, "start a worker: it removes them, hundreds a minute")
    return Finding("trash", f"{items} things are in it{f', {adopted} of them new' if adopted else ''}")


def _adopted(engine: Engine) -> int:
    with write(engine) as connection:
        return adopt(connection)


def sizes(engine: Engine, repair: bool) -> Finding:
    """Whether the bytes of all results are counted, which is asked to be mended."""
    uncounted = (Task.has_result.is_(True), Task.bytes == 0, Task.deleted_at.is_(None))
    with engine.connect() as connection:
        found = connection.execute(select(Task.id, Task.results).where(*uncounted)).all()
    wrong = {row.id: size for row in found if (size := total(row.results))}
    if repair and wrong:
        with write(engine) as connection:
            for id, size in wrong.items():
                connection.execute(update(Task).where(Task.id == id).values(bytes=size))
        return Finding("sizes", f"the bytes of {len(wrong)} tasks were counted")
    if wrong:
        return Finding("sizes", f"the bytes of {len(wrong)} tasks count for no quota", REPAIR)
    return Finding("sizes", "the bytes of all results are counted")
