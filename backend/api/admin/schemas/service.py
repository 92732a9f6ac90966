"""Models, what is kept, and the audit log."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, RootModel

from backend.api.fields import NO_NUL, Asked, AskedMoment, UtcText
from backend.services.administration.audit import Action, EntryQuery
from shared.generation import Kind

Name = Annotated[str, Field(min_length=1, max_length=255), NO_NUL]


class Rate(BaseModel):
    """How long runs of one kind take: seconds for a unit (steps times megapixels times frames times pictures).

    `p50` and `p90` are how long runs took, relative to that. `eta_error` is the mean relative error of the times that
    were told, `eta_covered` the part of all tasks that ended within their p90; null while none was told.
    """

    type: Kind = Field(validation_alias="kind")
    runs: int
    seconds_per_unit: float
    p50: float
    p90: float
    eta_error: float | None
    eta_covered: float | None


class Model(BaseModel):
    """A model of the catalogue, and the workers that have it in their memory."""

    id: str
    description: str
    source: str
    kinds: list[Kind]
    max_batch: int
    loaded_by: list[str]
    rates: list[Rate]


class Models(RootModel[list[Model]]):
    """In the catalogue's order."""


class FilesOfKind(BaseModel):
    kind: str
    files: int
    bytes: int


class TableRows(BaseModel):
    table: str
    rows: int


class Storage(BaseModel):
    """What is kept, as it was a few minutes ago at most."""

    measured_at: UtcText
    files: list[FilesOfKind]
    database_bytes: int
    tables: list[TableRows]


class EntriesQuery(Asked):
    """The filters are joined by "and"."""

    admin: Name | None = Field(None, description="who: the account's name, or `terminal`")
    action: Action | None = None
    subject: Name | None = Field(None, description="on whom: an account's name, a task's id, a worker")
    start: AskedMoment | None = Field(None, description="at this time or later")
    end: AskedMoment | None = Field(None, description="before this time")
    cursor: str | None = Field(None, description="`next_cursor` of the page before, with the same filters")
    limit: int = Field(50, ge=1, le=200)

    def asked(self) -> EntryQuery:
        """The same for the service."""
        return EntryQuery(**dict(self))


class Entry(BaseModel):
    """Who did what, when, and to whom."""

    model_config = ConfigDict(protected_namespaces=())

    id: int
    at: UtcText = Field(validation_alias="created_at")
    admin: str
    action: Action
    subject: str
    details: dict[str, Any]
