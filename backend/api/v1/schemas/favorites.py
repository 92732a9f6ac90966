"""Favourites: nodes as they come and as they are told."""

from typing import Annotated

from pydantic import BaseModel, Field, RootModel

from backend.api.fields import NAMED, Received
from backend.services.favorite_tree import NodeType

MAX_ITEMS = 1000
Integer = Annotated[int, Field(ge=-(2**63), lt=2**63)]
NodeId = Annotated[int, Field(ge=1, lt=2**63)]
Name = Annotated[str, Field(min_length=1, max_length=255), NAMED]
Url = Annotated[str, Field(min_length=1, max_length=2048)]
Type = Annotated[NodeType, Field(strict=False)]


class FavoriteRequest(Received):
    parent_id: NodeId
    name: Name
    node_type: Type
    refer_url: Url | None = Field(None, description="of a file: one of the caller's own results or uploads")


class FavoriteItem(Received):
    """A node of a batch: its parent is there already, or comes with the batch."""

    temp_id: Integer
    parent_id: NodeId | None = None
    parent_temp_id: Integer | None = None
    name: Name
    node_type: Type
    refer_url: Url | None = None


class FavoriteBatch(Received):
    items: list[FavoriteItem] = Field(min_length=1, max_length=MAX_ITEMS)


class FavoriteChange(Received):
    """A new name, another folder, or both."""

    name: Name | None = None
    parent_id: NodeId | None = None


class FavoriteNode(BaseModel):
    """`parent_id` is null for the root only; only a file has a `refer_url`."""

    id: int
    parent_id: int | None
    name: str
    node_type: NodeType
    refer_url: str | None = Field(None, exclude_if=lambda url: url is None)


class FavoriteTree(RootModel[list[FavoriteNode]]):
    """All nodes, parents before children, the root first."""


class FavoriteCreated(BaseModel):
    id: int


class FavoritesCreated(BaseModel):
    """The ids of the new nodes by their temp_id."""

    mapping: dict[int, int]


class RemovedFavorite(BaseModel):
    id: int
    name: str


class RemovedFavorites(RootModel[list[RemovedFavorite]]):
    """Everything that went, parents before children."""
