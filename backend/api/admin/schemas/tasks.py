"""Everybody's tasks."""

from typing import Annotated, Any

from pydantic import AliasPath, BaseModel, Field, computed_field

from backend.api.fields import NO_NUL, Asked, AskedMoment, Received, UtcText
from backend.api.v1.schemas.generation import Result, TaskError
from backend.services.administration.failures import FailedQuery
from backend.services.administration.tasks import TaskQuery
from shared.generation import Kind
from shared.lifecycle import Status

Account = Annotated[str, Field(min_length=1, max_length=64), NO_NUL]
Model = Annotated[str, Field(min_length=1, max_length=128), NO_NUL]
ErrorCode = Annotated[str, Field(min_length=1, max_length=64), NO_NUL]
Cursor = Annotated[str, Field(description="`next_cursor` of the page before, with the same filters")]


class TasksQuery(Asked):
    """The filters are joined by "and"."""

    user: Account | None = Field(None, description="the account's name")
    status: Status | None = None
    model: Model | None = None
    type: Kind | None = None
    error: ErrorCode | None = Field(None, description="the code of why it failed")
    start: AskedMoment | None = Field(None, description="created at this time or later")
    end: AskedMoment | None = Field(None, description="created before this time")
    cursor: Cursor | None = None
    limit: int = Field(50, ge=1, le=200)

    def asked(self) -> TaskQuery:
        """The same for the service."""
        return TaskQuery(kind=self.type, **self.model_dump(exclude={"type"}))


class Task(BaseModel):
    """A task and whose it is. Without the setting ADMINS_SEE_CONTENT there is no prompt, reference or result."""

    task_id: str = Field(validation_alias=AliasPath("task", "public_id"))
    user: str = Field(validation_alias="account")
    user_id: int = Field(validation_alias=AliasPath("task", "user_id"))
    type: Kind = Field(validation_alias=AliasPath("task", "kind"))
    status: Status = Field(validation_alias=AliasPath("task", "status"))
    queue: str = Field(validation_alias=AliasPath("task", "queue"))
    model: str = Field(validation_alias=AliasPath("task", "model"))
    prompt: str = Field(validation_alias=AliasPath("task", "prompt"))
    parameters: dict[str, Any] = Field(validation_alias=AliasPath("task", "parameters"))
    images: tuple[str, ...] = Field(validation_alias=AliasPath("task", "images"))
    results: tuple[Result, ...] = Field(validation_alias=AliasPath("task", "results"))
    attempt: int = Field(validation_alias=AliasPath("task", "attempt"))
    worker_id: str | None
    cancel_requested: bool = Field(validation_alias=AliasPath("task", "cancel_requested"))
    error_code: str | None = Field(validation_alias=AliasPath("task", "error_code"), exclude=True)
    created_at: UtcText = Field(validation_alias=AliasPath("task", "created_at"))
    started_at: UtcText | None = Field(validation_alias=AliasPath("task", "started_at"))
    finished_at: UtcText | None = Field(validation_alias=AliasPath("task", "finished_at"))

    @computed_field  # type: ignore[prop-decorator]
    @property
    def error(self) -> TaskError | None:
        return TaskError(code=self.error_code) if self.error_code else None


class FailedTasks(Asked):
    """Which failed tasks are meant."""

    since: AskedMoment = Field(description="failed at this time or later")
    until: AskedMoment | None = Field(None, description="failed before this time")
    user: Account | None = None
    model: Model | None = None
    error: ErrorCode | None = None

    def asked(self) -> FailedQuery:
        """The same for the service."""
        return FailedQuery(**{name: getattr(self, name) for name in FailedTasks.model_fields})


class FailedCount(BaseModel):
    """How many there are, and by the code of why."""

    count: int
    by_error: dict[str, int]


class Requeue(Received, FailedTasks):
    """Put them back into the queue."""

    cursor: Cursor | None = None


class Requeued(BaseModel):
    """So many wait again; so many could not, such as those of a model that is gone or a user whose queue is full.

    Where there were more than one call takes, `next_cursor` leads to the rest.
    """

    requeued: int
    refused: int
    next_cursor: str | None
