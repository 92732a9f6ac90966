"""What v1 takes and gives, as its document has it."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    EmailStr,
    Field,
    PlainSerializer,
    StrictFloat,
    StrictInt,
    WithJsonSchema,
    computed_field,
)

from backend.texts import say
from shared.clock import isoformat
from shared.generation import SEED_LIMIT, Kind
from shared.lifecycle import Status

FILES_URL = "/generated_outputs/"
StatusWord = Literal["processing", "completed", "failed"]
STATUS_WORDS: dict[Status, StatusWord] = {
    Status.QUEUED: "processing",
    Status.PROCESSING: "processing",
    Status.COMPLETED: "completed",
    Status.FAILED: "failed",
}


def _digits(value: object) -> object:
    """gin's clients send the seed as a string of digits."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20 else value


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("must have text in it")
    return value


def _no_nul(value: str) -> str:
    if "\0" in value:
        raise ValueError("must not contain NUL")
    return value


UtcText = Annotated[
    datetime,
    PlainSerializer(isoformat, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
AccountName = Annotated[str, Field(min_length=3, max_length=64)]
Password = Annotated[str, Field(min_length=6, max_length=128)]
Email = Annotated[EmailStr, Field(max_length=254)]
NoNul = Annotated[str, AfterValidator(_no_nul)]
Prompt = Annotated[NoNul, Field(min_length=1), AfterValidator(_text)]
Seed = Annotated[
    StrictInt,
    Field(ge=0, lt=SEED_LIMIT),
    BeforeValidator(_digits, json_schema_input_type=int | Annotated[str, Field(pattern=r"^[0-9]{1,19}$")]),
]
Number = StrictInt | StrictFloat


class Received(BaseModel):
    """A request body: what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Registration(Received):
    account: AccountName
    email: Email
    password: Password


class Login(Received):
    account: str = Field(min_length=1, max_length=254, description="the account's name or its e-mail address")
    password: str = Field(min_length=1, max_length=128)


class PasswordChange(Received):
    old_password: str = Field(min_length=1, max_length=128)
    new_password: Password


class RequestedParameters(Received):
    """All optional: the chosen model has limits and defaults for each."""

    model: str | None = Field(None, max_length=128)
    width: StrictInt | None = None
    height: StrictInt | None = None
    steps: StrictInt | None = None
    seed: Seed | None = None
    guidance_scale: Annotated[Number, Field(allow_inf_nan=False)] | None = None
    negative_prompt: NoNul | None = Field(None, max_length=2000)
    sampling_method: str | None = Field(None, max_length=64)
    num_images: StrictInt | None = None


class GenerationRequest(Received):
    type: Annotated[Kind, Field(strict=False)]
    prompt: Prompt
    parameters: RequestedParameters = RequestedParameters()
    image: str | None = Field(None, max_length=2048)
    images: list[Annotated[str, Field(max_length=2048)]] = Field([], max_length=8)

    @property
    def references(self) -> tuple[str, ...]:
        return (*([self.image] if self.image else []), *self.images)


class Registered(BaseModel):
    account: str
    email: str
    created_at: UtcText


class LoggedIn(BaseModel):
    account: str
    email: str
    token: str
    token_expire_at: UtcText


class Submitted(BaseModel):
    task_id: str = Field(validation_alias="public_id")
    created_at: UtcText
    type: Kind = Field(validation_alias="kind")
    prompt: str
    parameters: dict[str, Any]


class TaskError(BaseModel):
    code: str

    @computed_field  # type: ignore[prop-decorator]
    @property
    def message(self) -> str:
        return say(self.code)


class Task(BaseModel):
    """`status` has the document's three words, `state` the service's own."""

    task_id: str = Field(validation_alias="public_id")
    type: Kind = Field(validation_alias="kind")
    state: Status = Field(validation_alias="status")
    prompt: str
    parameters: dict[str, Any]
    attempt: int
    step: int | None = Field(None, validation_alias=AliasPath("progress", "step"))
    steps: int | None = Field(None, validation_alias=AliasPath("progress", "steps"))
    queue_position: int | None
    next_poll_ms: int | None
    created_at: UtcText
    completed_at: UtcText | None = Field(validation_alias="finished_at")
    result_names: tuple[str, ...] = Field(exclude=True)
    error_code: str | None = Field(exclude=True)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def status(self) -> StatusWord:
        return STATUS_WORDS[self.state]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def progress(self) -> float | None:
        if self.state is Status.COMPLETED:
            return 1.0
        return round(self.step / self.steps, 4) if self.step is not None and self.steps else None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def result_url(self) -> str | None:
        return self.result_urls[0] if self.result_urls else None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def result_urls(self) -> list[str]:
        return [FILES_URL + name for name in self.result_names]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def error(self) -> TaskError | None:
        return TaskError(code=self.error_code) if self.error_code else None

    @property
    def message_code(self) -> str:
        return f"task_{self.state.value}"
