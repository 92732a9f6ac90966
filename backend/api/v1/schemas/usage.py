"""What a user has."""

from pydantic import BaseModel, Field


class UserUsage(BaseModel):
    """In bytes, thumbnails included; and how many records and favourites."""

    used_bytes: int = Field(description="all of the following together, which is what the quota is about")
    results_bytes: int
    uploads_bytes: int
    avatar_bytes: int
    trash_bytes: int
    quota_bytes: int | None = Field(description="null: there is no limit")
    records: int
    favorites: int
