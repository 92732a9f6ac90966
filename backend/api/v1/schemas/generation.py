"""Generation tasks: what is asked for, and how they stand."""

from typing import Annotated, Any, Literal

from pydantic import AliasPath, BaseModel, BeforeValidator, ConfigDict, Field, computed_field

from backend.api.fields import NO_NUL, Asked, Prompt, Received, UtcText
from backend.api.parameters import RequestedParameters
from backend.services.files import FILES_URL
from backend.texts import say
from shared.generation import Kind
from shared.lifecycle import Status

StatusWord = Literal["processing", "completed", "failed"]
STATUS_WORDS: dict[Status, StatusWord] = {
    Status.QUEUED: "processing",
    Status.PROCESSING: "processing",
    Status.COMPLETED: "completed",
    Status.FAILED: "failed",
    Status.CANCELLED: "failed",
}
PREVIEW_URL = "/api/v1/generation/{}/preview"
MAX_WAIT_SECONDS = 30
MAX_IDS = 100


def _comma_separated(value: object) -> object:
    """Each once; a parameter that is repeated counts like one with commas."""
    whole = ",".join(value) if isinstance(value, list) else value
    return tuple(dict.fromkeys(whole.split(","))) if isinstance(whole, str) else whole


Image = Annotated[str, Field(min_length=1, max_length=2048), NO_NUL]


class GenerationRequest(Received):
    type: Annotated[Kind, Field(strict=False)]
    prompt: Prompt
    parameters: RequestedParameters = RequestedParameters()
    image: Annotated[str, Field(max_length=2048), NO_NUL] | None = Field(
        None, description="one reference: a file_id, an own url, or an http(s) url; empty for none"
    )
    images: list[Image] | None = Field(None, max_length=8, description="several references; null or empty for none")

    @property
    def references(self) -> tuple[str, ...]:
        return (*([self.image] if self.image else []), *(self.images or []))


class SubmitHeaders(BaseModel):
    """The same key and body give the same task."""

    model_config = ConfigDict(populate_by_name=True)

    idempotency_key: str | None = Field(None, alias="Idempotency-Key", min_length=1, max_length=255)


class EventHeaders(BaseModel):
    """Where a stream goes on; what is no id of ours means "from now"."""

    model_config = ConfigDict(populate_by_name=True)

    last_event_id: str | None = Field(None, alias="Last-Event-ID", max_length=255)


class TaskQuery(Asked):
    wait: float = Field(
        0, ge=0, le=MAX_WAIT_SECONDS, allow_inf_nan=False, description="seconds to wait until the task has changed"
    )


class TasksQuery(Asked):
    ids: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=64)], ...],
        BeforeValidator(_comma_separated, json_schema_input_type=str),
        Field(min_length=1, max_length=MAX_IDS, description=f"up to {MAX_IDS} task ids with commas between them"),
    ]


class SubmitWarning(BaseModel):
    """Nothing is wrong with the request, but its user should know."""

    code: Literal["unknown_words"] = Field(description="the model passes over these `words`")
    field: str = Field(description="`prompt` or `parameters.negative_prompt`")
    words: tuple[str, ...] = Field(description="the first 20")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def message(self) -> str:
        return say(self.code, facts={"words": ", ".join(self.words)})


class Submitted(BaseModel):
    task_id: str = Field(validation_alias="public_id")
    created_at: UtcText
    type: Kind = Field(validation_alias="kind")
    prompt: str
    parameters: dict[str, Any]
    images: tuple[str, ...]
    warnings: tuple[SubmitWarning, ...]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def image(self) -> str | None:
        return self.images[0] if self.images else None


class TaskError(BaseModel):
    code: str

    @computed_field  # type: ignore[prop-decorator]
    @property
    def message(self) -> str:
        return say(self.code)


class Link(BaseModel):
    """A file's urls: for its owner's token, and signed, which works for a while without one."""

    name: str = Field(exclude=True)
    link: str = Field(exclude=True)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def url(self) -> str:
        return FILES_URL + self.name

    @computed_field  # type: ignore[prop-decorator]
    @property
    def signed_url(self) -> str:
        return f"{self.url}?{self.link}"


class Result(Link):
    """A file that the task made."""

    media_type: str
    width: int
    height: int
    seed: int | None
    frames: int | None = Field(description="of a video; the next two also")
    fps: int | None
    duration: float | None = Field(description="in seconds")
    rung: str | None = Field(
        description="what its worker did for want of memory: `none`, `smaller_batch`, `vae_tiling` or `offload`"
    )
    profile: str | None = Field(description="`exact`, or `fast` where steps that would change little were skipped")
    thumbnail: Link | None


class Record(BaseModel):
    """A task without what changes while it runs. `status` has the document's three words, `state` the service's own."""

    task_id: str = Field(validation_alias="public_id")
    type: Kind = Field(validation_alias="kind")
    state: Status = Field(validation_alias="status")
    prompt: str
    parameters: dict[str, Any]
    images: tuple[str, ...]
    attempt: int
    favorite: bool
    created_at: UtcText
    completed_at: UtcText | None = Field(validation_alias="finished_at")
    results: tuple[Result, ...]
    error_code: str | None = Field(exclude=True)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def status(self) -> StatusWord:
        return STATUS_WORDS[self.state]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def result_url(self) -> str | None:
        return self.results[0].url if self.results else None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def result_urls(self) -> list[str]:
        return [result.url for result in self.results]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def preview_url(self) -> str | None:
        """A small picture for `<img src>`."""
        return self.thumbnail_url

    @property
    def thumbnail_url(self) -> str | None:
        """The first result's."""
        thumbnail = self.results[0].thumbnail if self.results else None
        return thumbnail.signed_url if thumbnail else None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def error(self) -> TaskError | None:
        return TaskError(code=self.error_code) if self.error_code else None


class Task(Record):
    """A task as it stands now."""

    cancel_requested: bool
    step: int | None = Field(None, validation_alias=AliasPath("progress", "step"))
    steps: int | None = Field(None, validation_alias=AliasPath("progress", "steps"))
    phase: str | None = Field(
        None, validation_alias=AliasPath("progress", "phase"), description="`loading` while its model is being loaded"
    )
    queue_position: int | None
    eta_seconds: int | None = Field(
        description="until it has ended: half of all tasks take less. An estimate alone is news, and has another ETag,"
        " only when it passes a power of two: what a 304 stands for may be up to twice the newest one, or half of it"
    )
    eta_p90_seconds: int | None = Field(description="the same: nine of ten take less")
    next_poll_ms: int | None
    preview_link: str | None = Field(exclude=True)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def preview_url(self) -> str | None:
        """A small picture for `<img src>`: while the task runs, of what it will make as far as is known by now."""
        shown = f"{PREVIEW_URL.format(self.task_id)}?{self.preview_link}" if self.preview_link else None
        return shown or self.thumbnail_url

    @computed_field  # type: ignore[prop-decorator]
    @property
    def progress(self) -> float | None:
        if self.state is Status.COMPLETED:
            return 1.0
        return round(self.step / self.steps, 4) if self.step is not None and self.steps else None

    @property
    def message_code(self) -> str:
        return f"task_{self.state.value}"


class Tasks(BaseModel):
    """Those of the asked tasks that are the caller's, in the order of asking, and the ids of the others."""

    tasks: tuple[Task, ...]
    not_found: tuple[str, ...]
