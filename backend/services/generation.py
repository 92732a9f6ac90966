"""A generation task as its user may see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row

from backend.services.links import Links
from shared.generation import Kind
from shared.lifecycle import ENDED, Status
from shared.models import Task
from shared.progress import Progress

SOON_MS, LATER_MS = 500, 5000
NEAR = 10  # places in the queue, of which each is news

# Columns of the table, not attributes of the class: a poll is then half as long under way in SQLAlchemy.
TASKS = Task.__table__.c
COLUMNS = (
    TASKS.id,
    TASKS.user_id,
    TASKS.public_id,
    TASKS.kind,
    TASKS.status,
    TASKS.queue,
    TASKS.model,
    TASKS.prompt,
    TASKS.parameters,
    TASKS.images,
    TASKS.units,
    TASKS.fence,
    TASKS.attempt,
    TASKS.error_code,
    TASKS.cancel_requested,
    TASKS.results,
    TASKS.favorite,
    TASKS.created_at,
    TASKS.started_at,
    TASKS.finished_at,
    TASKS.updated_at,
)


class Eta(NamedTuple):
    """Whole seconds until a task ends, at least 1: half of all tasks take at most `p50`, nine of ten `p90`."""

    p50: int
    p90: int | None


@dataclass(frozen=True)
class Notice:
    """What is worth knowing of a field that was taken as it is, by stable code, and the words that it is about."""

    code: str
    field: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class ResultFile:
    """A file of a task. `link` is the query of its url's signed form, `thumbnail` a small picture of it.

    A video has `frames`, so many of them in a second (`fps`), and a `duration` in seconds. `rung` is how far its worker
    had to go down for want of memory, `profile` whether it skipped steps that change little; where that is known.
    """

    name: str
    link: str
    media_type: str
    width: int
    height: int
    seed: int | None = None
    frames: int | None = None
    fps: int | None = None
    duration: float | None = None
    rung: str | None = None
    profile: str | None = None
    thumbnail: "ResultFile | None" = None


@dataclass(frozen=True, kw_only=True)
class Generation:
    """`queue_position` is 1 for the next one; what is not known is None. `revision` changes whenever the rest does.

    It does not with each second of the `eta_seconds` and each place far back in the queue, or every poll would be news:
    only with the power of two below them.

    `preview_link` is the query of the signed url of what a running task can show by now: another one for each picture.
    `warnings` are there for who submits it only.
    """

    id: int
    user_id: int
    public_id: str
    kind: Kind
    status: Status
    queue: str
    model: str
    prompt: str
    parameters: Mapping[str, Any]
    images: tuple[str, ...]
    fence: int
    attempt: int
    error_code: str | None
    cancel_requested: bool
    favorite: bool
    results: tuple[ResultFile, ...]
    queue_position: int | None
    progress: Progress | None
    preview_link: str | None
    eta_seconds: int | None
    eta_p90_seconds: int | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    updated_at: datetime
    revision: str
    warnings: tuple[Notice, ...] = ()

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def next_poll_ms(self) -> int | None:
        """When it pays to ask again: soon while it runs, later far back in the queue, never once it has ended."""
        return None if self.ended else min(SOON_MS * (self.queue_position or 1), LATER_MS)


def generation(
    row: Row[Any],
    links: Links,
    progress: Progress | None = None,
    queue_position: int | None = None,
    eta: Eta | None = None,
) -> Generation:
    """From a row of COLUMNS and what is known beside it."""
    results = tuple(_result(entry, links) for entry in row.results or ())
    preview = progress.preview if progress else ""
    return Generation(
        id=row.id,
        user_id=row.user_id,
        public_id=row.public_id,
        kind=Kind(row.kind),
        status=Status(row.status),
        queue=row.queue,
        model=row.model,
        prompt=row.prompt,
        parameters=row.parameters,
        images=tuple(image["id"] for image in row.images or ()),
        fence=row.fence,
        attempt=row.attempt,
        error_code=row.error_code,
        cancel_requested=row.cancel_requested,
        favorite=row.favorite,
        results=results,
        queue_position=queue_position,
        progress=progress,
        preview_link=f"p={preview}&{links.sign(row.public_id)}" if preview else None,
        eta_seconds=eta and eta.p50,
        eta_p90_seconds=eta and eta.p90,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        updated_at=row.updated_at,
        revision=revision(row, links, progress, queue_position, eta),
    )


def revision(
    row: Row[Any], links: Links, progress: Progress | None, queue_position: int | None, eta: Eta | None
) -> str:
    """The Generation's, of a row that has at least its status, fence and `updated_at`."""
    preview = progress.preview if progress else ""
    facts = (
        f"{row.updated_at.timestamp():.6f}",
        row.fence,
        row.status,
        f"{progress.step}{progress.phase}" if progress else "",
        preview,
        _about(queue_position),
        eta.p50.bit_length() if eta else "",
        links.period if row.status == Status.COMPLETED or preview else "",
    )
    return ".".join(map(str, facts))


def _about(position: int | None) -> str:
    """All that is news of a place in the queue."""
    return "" if position is None else str(position) if position <= NEAR else f"far{position.bit_length()}"


def _result(entry: Mapping[str, Any], links: Links) -> ResultFile:
    thumbnail = entry.get("thumbnail")
    return ResultFile(
        name=entry["name"],
        link=links.sign(entry["name"]),
        media_type=entry["media_type"],
        width=entry["width"],
        height=entry["height"],
        seed=entry.get("seed"),
        frames=entry.get("frames"),
        fps=entry.get("fps"),
        duration=entry.get("duration"),
        rung=entry.get("made", {}).get("rung"),
        profile=entry.get("made", {}).get("profile"),
        thumbnail=_result(thumbnail, links) if thumbnail else None,
    )
