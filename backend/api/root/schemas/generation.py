"""Pictures from texts: what gin's clients ask for, get, and got before."""

from typing import Any, Self

from pydantic import AliasPath, BaseModel, Field, computed_field

from backend.api.fields import Prompt, UtcText
from backend.api.parameters import RequestedParameters
from backend.api.v1.schemas.generation import STATUS_WORDS, Link, StatusWord
from backend.services.generation import Generation
from shared.lifecycle import Status


class GenerateRequest(RequestedParameters):
    """The parameters stand beside the prompt."""

    prompt: Prompt


class Told(BaseModel):
    """What is told of a task alike wherever it is told."""

    results: tuple[Link, ...] = Field(exclude=True)
    task_id: str = Field(validation_alias="public_id")
    state: Status = Field(validation_alias="status")
    prompt: str

    @computed_field  # type: ignore[prop-decorator]
    @property
    def status(self) -> StatusWord:
        return STATUS_WORDS[self.state]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def signed_url(self) -> str | None:
        """The first picture's: it works for a while without a token."""
        return self.results[0].signed_url if self.results else None

    @property
    def first_url(self) -> str | None:
        return self.results[0].url if self.results else None


class Generated(Told):
    """A task that was waited for: completed, or still on its way (HTTP 202)."""

    parameters: dict[str, Any]
    seed: int | None = Field(None, validation_alias=AliasPath("parameters", "seed"))

    @computed_field  # type: ignore[prop-decorator]
    @property
    def url(self) -> str | None:
        return self.first_url

    @computed_field  # type: ignore[prop-decorator]
    @property
    def urls(self) -> list[str]:
        return [result.url for result in self.results]

    @property
    def message_code(self) -> str:
        return f"task_{self.state.value}"

    @property
    def http_status(self) -> int:
        return 200 if self.state is Status.COMPLETED else 202


class Record(Told):
    """A task in the history; `result` is the url of its first picture."""

    id: int
    username: str = ""
    params: dict[str, Any] = Field(validation_alias="parameters")
    time: UtcText = Field(validation_alias="created_at")

    @classmethod
    def of(cls, generation: Generation, username: str) -> Self:
        return cls.model_validate(generation, from_attributes=True).model_copy(update={"username": username})

    @computed_field  # type: ignore[prop-decorator]
    @property
    def result(self) -> str | None:
        return self.first_url
