"""Favourite pictures in one flat list."""

from typing import Self

from pydantic import BaseModel, RootModel

from backend.api.fields import UtcText
from backend.services.favorite_tree import Node
from backend.services.files import FILES_URL
from backend.services.links import Links


class Favorite(BaseModel):
    """A picture among the favourites; `folder_id` is the node that it lies in."""

    id: int
    name: str
    folder_id: int | None
    result: str
    signed_url: str
    time: UtcText

    @classmethod
    def of(cls, node: Node, links: Links) -> Self:
        url = node.refer_url or ""
        return cls(
            id=node.id,
            name=node.name,
            folder_id=node.parent_id,
            result=url,
            signed_url=f"{url}?{links.sign(url.removeprefix(FILES_URL))}",
            time=node.created_at,
        )


class Favorites(RootModel[list[Favorite]]):
    """In the order of the tree: folder by folder, from the root down."""
