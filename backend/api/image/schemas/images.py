"""Pictures: what is asked for, and the history of what was made."""

from dataclasses import replace
from math import ceil
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, computed_field

from backend.api.fields import Prompt, Received, UtcText
from backend.api.history import MAX_PAGE, HistoryQuery
from backend.api.image.schemas import Given
from backend.api.parameters import RequestedParameters
from backend.services.generation import ResultFile
from backend.services.history import HistoryPage
from backend.services.history_query import Query
from backend.services.orders import Order
from backend.texts import say
from shared.generation import Kind
from shared.lifecycle import Status

FILES_URL = "/api/uploads/generated_images"
DEFAULT_MODEL = "test_model"

StatusWord = Literal["pending", "completed", "failed"]
STATUS_WORDS: dict[Status, StatusWord] = {
    Status.QUEUED: "pending",
    Status.PROCESSING: "pending",
    Status.COMPLETED: "completed",
    Status.FAILED: "failed",
    Status.CANCELLED: "failed",
}


def _model(value: object) -> object:
    return None if value == DEFAULT_MODEL else value


class Params(RequestedParameters):
    """All optional: the chosen model has limits and defaults for each."""

    model: Annotated[str | None, BeforeValidator(_model)] = Field(
        None, max_length=128, description=f"any configured model; `{DEFAULT_MODEL}` is the default one"
    )


class ImageRequest(Received):
    prompt: Prompt
    params: Params = Params()

    @property
    def order(self) -> Order:
        requested = self.params.model_dump(exclude_none=True)
        return Order(kind=Kind.TEXT_TO_IMAGE, prompt=self.prompt, requested=requested)


class RecordsQuery(HistoryQuery):
    statuses: ClassVar = {
        word: frozenset(status for status, its in STATUS_WORDS.items() if its == word)
        for word in ("pending", "completed", "failed")
    }
    default_limit: ClassVar = 10

    status: StatusWord | None = None
    order: Literal["asc", "desc"] | None = Field(
        None, description="without it tasks by time come newest first, and any other sort ascends"
    )
    limit: int | None = Field(None, ge=1, le=50)
    page: int | None = Field(None, ge=1, le=MAX_PAGE, description="1 without it; a cursor is faster far down")
    per_page: int | None = Field(None, ge=1, le=50, description="10 without it")

    def asked(self) -> Query:
        query = super().asked()
        return replace(query, order="desc") if query.newest_first else query


class Picture(Given):
    """A task with the urls of its first file: for its owner's token, and signed, which work for a while without one."""

    id: int
    task_id: str = Field(validation_alias="public_id")
    user_id: int = Field(exclude=True)
    state: Status = Field(validation_alias="status", exclude=True)
    results: tuple[ResultFile, ...] = Field(exclude=True)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def status(self) -> StatusWord:
        return STATUS_WORDS[self.state]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def image_url(self) -> str | None:
        return self._url(self._first)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def signed_url(self) -> str | None:
        return self._signed(self._first)

    @property
    def _first(self) -> ResultFile | None:
        return self.results[0] if self.results else None

    def _url(self, file: ResultFile | None) -> str | None:
        return f"{FILES_URL}/{self.user_id}/{file.name}" if file else None

    def _signed(self, file: ResultFile | None) -> str | None:
        return f"{self._url(file)}?{file.link}" if file else None


class Generated(Picture):
    """`imageUrl` is null while the task is pending."""

    @property
    def http_status(self) -> int:
        return 200 if self.state is Status.COMPLETED else 202

    @property
    def message_code(self) -> str:
        return "picture_made" if self.state is Status.COMPLETED else "picture_pending"


class Record(Picture):
    prompt: str
    created_at: UtcText
    updated_at: UtcText
    parameters: dict[str, Any] = Field(exclude=True)
    model: str = Field(exclude=True)
    error_code: str | None = Field(exclude=True)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def thumbnail_url(self) -> str | None:
        return self._url(self._thumbnail)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def signed_thumbnail_url(self) -> str | None:
        return self._signed(self._thumbnail)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def params(self) -> dict[str, Any]:
        """`model_used` and all parameters."""
        return {"model_used": self.model, **self.parameters}

    @computed_field  # type: ignore[prop-decorator]
    @property
    def error_message(self) -> str | None:
        cancelled = "task_cancelled" if self.state is Status.CANCELLED else None
        code = self.error_code or cancelled
        return say(code) if code else None

    @property
    def _thumbnail(self) -> ResultFile | None:
        first = self._first
        return first and (first.thumbnail or first)


class Pagination(Given):
    """`next_cursor` leads to the next page too, and is faster far down; what it leads to has no number."""

    total: int
    page: int | None
    per_page: int
    total_pages: int
    next_cursor: str | None


class Records(Given):
    records: tuple[Record, ...]
    pagination: Pagination

    @classmethod
    def of(cls, page: HistoryPage, total: int, asked: Query) -> Self:
        records = tuple(Record.model_validate(item, from_attributes=True) for item in page.items)
        pagination = Pagination(
            total=total,
            page=None if asked.cursor else asked.page or 1,
            per_page=asked.limit,
            total_pages=ceil(total / asked.limit),
            next_cursor=page.next_cursor,
        )
        return cls(records=records, pagination=pagination)
