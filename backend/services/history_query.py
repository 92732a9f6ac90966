"""What may be asked of a history, and which index answers it. Knows no session and no HTTP.

Every index of HISTORY_COLUMNS holds one user's tasks by a column, then by time, then by id. So a page is a range of
one index: of the rows that have one value there, in the order of time; or of all rows, in the order of the column.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from shared.generation import Kind
from shared.lifecycle import Status
from shared.models.task import HISTORY_COLUMNS

Order = Literal["asc", "desc"]

TIME = "created_at"
PROMPT = "prompt"
SORTS = (TIME, *HISTORY_COLUMNS, PROMPT)

# Which filter chooses the index when there are several: the one that is likely to leave the fewest tasks, so these in
# turn, those with a USUAL value last. A sort by something else goes before them: its index is walked, and the filters
# tried on each row, until the page is full. Only what leaves a FEW goes before that, and they are sorted.
BY_SELECTIVITY = (
    "seed",
    "favorite",
    "status",
    "has_result",
    "steps",
    "height",
    "width",
    "sampling_method",
    "model",
    "kind",
)
USUAL = {("favorite", False), ("status", Status.COMPLETED), ("has_result", True)}
FEW = {("favorite", True), ("status", Status.QUEUED), ("status", Status.PROCESSING)}


@dataclass(frozen=True, kw_only=True)
class Query:
    """Filters, order and place of a page of at most `limit` tasks.

    `start` is inclusive, `end` is not. `statuses` are alternatives; empty means any. `prompt` is a part of the prompt,
    the case of ASCII letters aside; prompts are sorted by their first characters (PROMPT_START in history_ranges).
    `user` is the account whose tasks an administrator asks for. Without an order tasks by time go from the newest page
    to the oldest, each page shown from old to new, and any other sort ascends. A page is found by its number, from 1,
    or by the cursor that came with the page before it.
    """

    limit: int
    page: int | None = None
    cursor: str | None = None
    sort: str = TIME
    order: Order | None = None
    start: datetime | None = None
    end: datetime | None = None
    kind: Kind | None = None
    statuses: frozenset[Status] = frozenset()
    model: str | None = None
    sampling_method: str | None = None
    steps: int | None = None
    seed: int | None = None
    width: int | None = None
    height: int | None = None
    prompt: str | None = None
    has_result: bool | None = None
    favorite: bool | None = None
    user: str | None = None

    @cached_property
    def allowed(self) -> dict[str, tuple[Any, ...]]:
        """The values that each filtered column may have."""
        single = {name: getattr(self, name) for name in HISTORY_COLUMNS if name != "status"}
        statuses = {"status": tuple(sorted(self.statuses))} if self.statuses else {}
        return {name: (value,) for name, value in single.items() if value is not None} | statuses

    @property
    def sorted_by(self) -> str:
        """The column that decides the order: time, where a filter leaves a single value to sort by."""
        return TIME if len(self.allowed.get(self.sort, ())) == 1 else self.sort

    @property
    def index(self) -> str:
        """The column whose index is walked."""
        return next(self._indices())

    @property
    def descending(self) -> bool:
        return self.order == "desc" or self.newest_first

    @property
    def newest_first(self) -> bool:
        """Whether pages go back in time while each is shown from old to new."""
        return self.order is None and self.sort == TIME

    def scope(self, user_id: int) -> str:
        """The same for pages of the same list."""
        asked = {name: value for name, value in asdict(self).items() if name not in {"limit", "page", "cursor"}}
        text = json.dumps([user_id, {**asked, "statuses": sorted(self.statuses)}], default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _indices(self) -> Iterator[str]:
        """The best one first."""
        filters = {name: {(name, value) for value in values} for name, values in self.allowed.items()}
        ordered = sorted(filters, key=lambda name: (not USUAL.isdisjoint(filters[name]), BY_SELECTIVITY.index(name)))
        yield from (name for name in ordered if name == "seed" or filters[name] <= FEW)
        yield from [self.sorted_by] * (self.sorted_by in HISTORY_COLUMNS)
        yield from ordered
        yield TIME
