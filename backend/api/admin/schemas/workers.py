"""Workers."""

from datetime import timedelta

from pydantic import BaseModel, Field, RootModel, computed_field

from backend.api.fields import UtcText
from shared.workers import State


class Worker(BaseModel):
    """One worker; `tasks` are the ids of what it holds, `memory_bytes` is what its process has."""

    id: str
    node: str
    host: str
    state: State
    models: list[str]
    tasks: list[str]
    busy_since: UtcText | None
    done: int = Field(validation_alias="ended")
    memory_bytes: int = Field(validation_alias="memory")
    started_at: UtcText
    last_beat_at: UtcText = Field(validation_alias="beat_at")
    silent: timedelta = Field(exclude=True)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def silent_seconds(self) -> float:
        """Since its last beat."""
        return round(self.silent.total_seconds(), 1)


class Workers(RootModel[list[Worker]]):
    """The newest last."""


class Meant(BaseModel):
    """How many workers have this name."""

    workers: int
