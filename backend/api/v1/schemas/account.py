"""Leaving for good."""

from pydantic import BaseModel, Field

from backend.api.fields import Received, UtcText


class AccountErasure(Received):
    password: str = Field(min_length=1, max_length=128)


class Erased(BaseModel):
    """Nobody can use the account any more; what it had is removed by workers."""

    erased_at: UtcText
    done_by: UtcText = Field(description="nothing is left by then, as long as a worker runs")
