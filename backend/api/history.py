"""What every contract's history takes as its query; each has its own limits and words for a status."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from backend.api.fields import NO_NUL, Asked, AskedMoment, Seed
from backend.services.history_query import Query
from shared.generation import Kind
from shared.lifecycle import Status

Sort = Literal[
    "created_at",
    "type",
    "status",
    "model",
    "sampling_method",
    "steps",
    "seed",
    "width",
    "height",
    "has_result",
    "result",
    "favorite",
    "prompt",
    "user",
]
COLUMNS = {"type": "kind", "result": "has_result", "user": "created_at"}  # a list is always one user's
MAX_PAGE = 1_000_000
INTEGER = 2**31

Name = Annotated[str, Field(min_length=1, max_length=64), NO_NUL]
Count = Annotated[int, Field(ge=0, lt=INTEGER)]


class HistoryQuery(Asked):
    """The filters are joined by "and"."""

    statuses: ClassVar[dict[str, frozenset[Status]]]
    default_limit: ClassVar[int]

    start: AskedMoment | None = Field(None, description="created at this time or later")
    end: AskedMoment | None = Field(None, description="created before this time")
    type: Kind | None = None
    status: str | None = None
    model: Annotated[str, Field(min_length=1, max_length=128), NO_NUL] | None = None
    sampling_method: Name | None = Field(None, description="as a record's parameters have it")
    steps: Count | None = None
    seed: Seed | None = None
    width: Count | None = None
    height: Count | None = None
    prompt: Annotated[str, Field(min_length=1, max_length=1000), NO_NUL] | None = Field(
        None,
        description="the prompt contains this; `a` to `z` match `A` to `Z`, nothing else is special",
    )
    has_result: bool | None = None
    favorite: bool | None = Field(None, description="whether a favourite refers to a result of the task")
    user: Name | None = Field(
        None,
        description="for administrators: the account whose list it is. Prompts and pictures of others are not shown,"
        " nor may `prompt` filter or sort them, unless the service is set to show them",
    )
    sort: Sort = Field(
        "created_at",
        description="what is equal in it is in the order of time; `result` is `has_result`, `prompt` its first 64"
        " characters, and `user` the order of time, since a list is one user's",
    )
    order: Literal["asc", "desc"] | None = Field(
        None,
        description="without it tasks by time come newest page first, each page from old to new, and any other sort"
        " ascends",
    )
    cursor: str | None = Field(None, description="`next_cursor` of the page before, with the same filters and sort")
    limit: int | None = Field(None, ge=1, le=1000)
    page: int | None = Field(None, ge=1, le=MAX_PAGE, description="instead of `cursor`; a cursor is faster far down")
    per_page: int | None = Field(None, ge=1, le=1000, description="instead of `limit`")

    @field_validator("page", "per_page")
    @classmethod
    def _one_kind_of_paging(cls, value: Any, info: ValidationInfo) -> Any:
        for other in ("cursor", "limit"):
            if value is not None and info.data.get(other) is not None:
                raise PydanticCustomError("exclusive", "cannot be used together with {other}", {"other": other})
        return value

    def asked(self) -> Query:
        """The same for the service."""
        same = ("start", "end", "model", "sampling_method", "steps", "seed", "width", "height", "prompt", "has_result")
        return Query(
            **{name: getattr(self, name) for name in (*same, "favorite", "user", "order", "cursor", "page")},
            kind=self.type,
            statuses=self.statuses[self.status] if self.status else frozenset(),
            sort=COLUMNS.get(self.sort, self.sort),
            limit=self.limit or self.per_page or self.default_limit,
        )
