"""Favourites: a tree of folders and of files that refer to own results and uploads."""

from backend.api.v1 import api
from backend.api.v1.schemas.favorites import (
    FavoriteBatch,
    FavoriteChange,
    FavoriteCreated,
    FavoriteNode,
    FavoriteRequest,
    FavoritesCreated,
    FavoriteTree,
    RemovedFavorites,
)
from backend.contract import Caller
from backend.services.accounts import Account
from backend.services.favorite_tree import Node
from backend.services.new_favorites import NewNode
from backend.wiring import services
from shared.errors import AlreadyFavorite, FavoritesFull, NameTaken, NotFound

BATCH_BYTES = 4 * 1024 * 1024  # the longest names and urls, a thousand times


@api.route("GET", "/user/favorite_list", caller=Caller.USER, returns=FavoriteTree, message="favorites_listed")
def favorite_list(user: Account) -> list[Node]:
    """All favourites, parents before children, the root first."""
    return services().favorites.tree(user.id)


@api.route(
    "POST",
    "/user/favorite_list",
    caller=Caller.USER,
    body=FavoriteRequest,
    returns=FavoriteCreated,
    message="favorite_created",
    errors=(NameTaken, AlreadyFavorite, FavoritesFull),
)
def add_favorite(user: Account, body: FavoriteRequest) -> FavoriteCreated:
    """Add a folder, or a file that refers to a result or an upload."""
    return FavoriteCreated(id=services().favorites.add(user.id, NewNode(**dict(body))))


@api.route(
    "POST",
    "/user/favorite_list/batch",
    caller=Caller.USER,
    body=FavoriteBatch,
    max_bytes=BATCH_BYTES,
    returns=FavoritesCreated,
    message="favorites_created",
    errors=(NameTaken, AlreadyFavorite, FavoritesFull),
)
def add_favorites(user: Account, body: FavoriteBatch) -> FavoritesCreated:
    """Add many nodes or, where one of them cannot be, none; new ones may be in new ones."""
    nodes = [NewNode(**dict(item), place=f"items.{number}.") for number, item in enumerate(body.items)]
    return FavoritesCreated(mapping=services().favorites.add_all(user.id, nodes))


@api.route(
    "PATCH",
    "/user/favorite_list/<int:collection_id>",
    caller=Caller.USER,
    body=FavoriteChange,
    returns=FavoriteNode,
    message="favorite_changed",
    errors=(NotFound, NameTaken),
)
def change_favorite(user: Account, collection_id: int, body: FavoriteChange) -> Node:
    """Rename a node, move it to another folder, or both."""
    return services().favorites.change(user.id, collection_id, body.name, body.parent_id)


@api.route(
    "DELETE",
    "/user/favorite_list/<int:collection_id>",
    caller=Caller.USER,
    returns=RemovedFavorites,
    message="favorite_deleted",
    errors=(NotFound,),
)
def remove_favorite(user: Account, collection_id: int) -> list[Node]:
    """Put a node and all below it into the trash; the root stays and is empty then."""
    return services().favorites.remove(user.id, collection_id)
