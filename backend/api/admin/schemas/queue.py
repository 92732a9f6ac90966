"""The queue, and how long it would take."""

from typing import Literal

from pydantic import BaseModel, Field

from backend.api.fields import Asked
from shared.generation import Kind

MOST_WORKERS = 1000


class ModelLine(BaseModel):
    """Tasks of one model and kind. `unserved` says why no worker will take those that wait; null when one will."""

    queue: str
    model: str
    type: Kind = Field(validation_alias="kind")
    waiting: int
    running: int
    oldest_seconds: float | None
    unserved: Literal["no_worker", "model_not_offered"] | None


class UserLine(BaseModel):
    """Tasks of one user."""

    user_id: int
    account: str
    waiting: int
    running: int
    oldest_seconds: float | None


class Queue(BaseModel):
    """What waits and runs; `oldest_seconds` is how long the oldest one has waited. Of the users those with the most."""

    waiting: int
    running: int
    oldest_seconds: float | None
    by_model: list[ModelLine]
    by_user: list[UserLine]


class ScaleQuery(Asked):
    workers: int = Field(ge=1, le=MOST_WORKERS, description="so many that take tasks")


class Scale(BaseModel):
    """How long tasks that wait now would still wait until they begin: half of them at most p50, nine of ten p90.

    Null while nothing waits, or while nothing was measured. `unmeasured` tasks are of models that never ran: they are
    taken to be like the others.
    """

    workers: int
    waiting: int
    unmeasured: int
    p50_seconds: float | None
    p90_seconds: float | None
