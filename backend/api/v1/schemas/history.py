"""The history: which records are asked for, and which one is deleted."""

import re
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, computed_field, model_validator
from pydantic_core import PydanticCustomError

from backend.api.fields import Received
from backend.api.history import HistoryQuery
from backend.services.files import FILES_URL
from shared.lifecycle import Status

NAMES = ("result_url", "task_id")


class RecordsQuery(HistoryQuery):
    statuses: ClassVar = {
        "queued": frozenset({Status.QUEUED}),
        "processing": frozenset({Status.QUEUED, Status.PROCESSING}),
        "completed": frozenset({Status.COMPLETED}),
        "failed": frozenset({Status.FAILED, Status.CANCELLED}),
        "cancelled": frozenset({Status.CANCELLED}),
    }
    default_limit: ClassVar = 1000

    status: Literal["queued", "processing", "completed", "failed", "cancelled"] | None = Field(
        None,
        description="`processing` and `failed` are a record's `status`, so they include its `state`s queued and"
        " cancelled; `queued` and `cancelled` are these states alone",
    )


class RecordDeletion(Received):
    """By one of the task's results, or by the task, since one that made nothing has no url."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [name]} for name in NAMES]})

    result_url: str = Field(
        default_factory=str, min_length=1, max_length=2048, description="any of them, plain, absolute or signed"
    )
    task_id: str = Field(default_factory=str, min_length=1, max_length=64)

    @model_validator(mode="before")
    @classmethod
    def _one_of_the_two(cls, data: Any) -> Any:
        if isinstance(data, dict) and len(data.keys() & set(NAMES)) != 1:
            raise PydanticCustomError("exactly_one", "needs exactly one of {fields}", {"fields": ", ".join(NAMES)})
        return data

    @property
    def name_or_id(self) -> str:
        return self.task_id or re.split("[?#]", self.result_url)[0].rpartition(FILES_URL)[2]


class DeletedRecord(BaseModel):
    """`result_url` is the record's, if it has one."""

    name: str | None = Field(exclude=True)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def result_url(self) -> str | None:
        return FILES_URL + self.name if self.name else None
