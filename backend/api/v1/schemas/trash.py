"""The trash: items as they are told, and which ones are to come back."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, computed_field
from pydantic_core import PydanticCustomError

from backend.api.fields import Asked, Received, UtcText
from backend.api.v1.schemas.favorites import FavoriteNode, NodeId

THUMBNAILS_URL = "/api/v1/trash/thumbnails/"


def _each_once(ids: list[int]) -> list[int]:
    if len(set(ids)) < len(ids):
        raise PydanticCustomError("named_twice", "is named twice")
    return ids


class TrashQuery(Asked):
    cursor: str | None = Field(None, description="`next_cursor` of the page before")
    limit: int = Field(50, ge=1, le=200)


class RestoreRequest(Received):
    """All of these, or none where one of them cannot come back."""

    ids: Annotated[
        list[NodeId],
        Field(min_length=1, max_length=100, json_schema_extra={"uniqueItems": True}),
        AfterValidator(_each_once),
    ]


class TrashItem(BaseModel):
    """One deletion, until `expires_at`: a record by its prompt, or favourites by the name of their node."""

    id: int
    type: Literal["record", "favorite"]
    name: str
    task_id: str | None = Field(description="of a record")
    favorites: int = Field(description="so many favourites come back with it")
    bytes: int = Field(description="of a record's files")
    deleted_at: UtcText
    expires_at: UtcText
    thumbnail: str | None = Field(exclude=True)
    link: str = Field(exclude=True)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def thumbnail_url(self) -> str | None:
        """The signed form: of a record with a result."""
        return f"{THUMBNAILS_URL}{self.thumbnail}?{self.link}" if self.thumbnail else None


class RestoredItem(BaseModel):
    """A record by its task, or favourites; with the favourites that have come back, parents before children."""

    id: int
    type: Literal["record", "favorite"]
    task_id: str | None
    favorites: list[FavoriteNode]


class RestoredItems(BaseModel):
    restored: list[RestoredItem]
