"""Favourites that come back from the trash: where to, by which name, and which of them cannot.

Each goes back into its folder, or into the root where that has gone or lies too deep by now. Where the name is taken it
gets a number, as file managers do it. A file stays out that is a favourite already, and one whose picture has gone for
good; one whose record is in the trash itself comes back with that.
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from itertools import chain, count
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from backend.services.favorite_rows import mark
from backend.services.favorite_tree import MAX_LEVEL, Node, NodeType, Tree
from shared.clock import database_now, now
from shared.models import Favorite, Task, TrashedFavorite, TrashItem, Upload

LONGEST_NAME = 255
PARTS = re.compile(r"(.+?)(\.[^.\s]{1,16})?", re.DOTALL)  # of a file's name


@dataclass(frozen=True)
class Returning(Node):
    """A node of the trash."""

    upload_id: int | None


class RestoredFavorites:
    """Part of a transaction in which nobody else changes this user's tree."""

    def __init__(self, session: Session, user_id: int, tree: Tree) -> None:
        self._session = session
        self._user_id = user_id
        self._tree = tree

    def put_back(self, item_id: int) -> list[Node]:
        """What has come back of an item, parents first; the item, which the caller has locked, is empty then."""
        nodes = self._nodes(item_id)
        fit = self._fit(nodes)
        levels, back = _levels(fit), {node.id for node in fit}
        placed = [self._placed(level, len(levels) - above) for above, level in enumerate(levels)]
        self._forget(item_id, {node.task_id for node in nodes if node.id not in back and node.task_id})
        return list(chain.from_iterable(placed))

    def _nodes(self, item_id: int) -> list[Returning]:
        columns = [getattr(TrashedFavorite, field) for field in Returning.__dataclass_fields__]
        rows = self._session.execute(
            select(*columns).where(TrashedFavorite.item_id == item_id).order_by(TrashedFavorite.id)
        )
        return [Returning(*row) for row in rows]

    def _fit(self, nodes: Collection[Returning]) -> list[Returning]:
        """Those that may come back; their tasks are favourites from here on, their uploads used."""
        taken = {node.refer_url for node in self._tree}
        by_url = {node.refer_url or node.id: node for node in nodes}  # what another item has left here may be one twice
        wanted = [node for url, node in by_url.items() if url not in taken]
        tasks = {node.task_id for node in wanted if node.task_id}
        uploads = {node.upload_id for node in wanted if node.upload_id}
        favorite: dict[str, Any] = {"favorite": True, "updated_at": database_now()}
        gone_tasks = mark(self._session, Task, tasks, Task.deleted_at.is_(None), **favorite)
        gone_uploads = mark(self._session, Upload, uploads, used_at=now())
        return [node for node in wanted if node.task_id not in gone_tasks and node.upload_id not in gone_uploads]

    def _placed(self, level: Iterable[Returning], height: int) -> list[Node]:
        """These nodes as they are in the tree now; no more than `height` levels are in them."""
        placed = [self._place(node, height) for node in level]
        self._session.execute(insert(Favorite), [_row(self._user_id, *both) for both in placed])
        return [node for node, _ in placed]

    def _place(self, node: Returning, height: int) -> tuple[Node, int | None]:
        folder = self._folder(node, height)
        name = free_name(node.name, node.node_type, lambda name: self._tree.has(folder.id, name))
        facts = (node.node_type, node.refer_url, node.task_id, node.created_at)
        placed = Node(node.id, folder.id, name, *facts)
        self._tree.add(placed)
        return placed, node.upload_id

    def _folder(self, node: Returning, height: int) -> Node:
        folder = self._tree.get(node.parent_id)
        return folder if folder and self._tree.level(folder) + height <= MAX_LEVEL else self._tree.root

    def _forget(self, item_id: int, tasks: Collection[int]) -> None:
        """Nothing of the item is left; what stays out because of these tasks goes to their items, if they have one."""
        binned = select(TrashItem.id, TrashItem.task_id).where(TrashItem.task_id.in_(tasks), TrashItem.id != item_id)
        mine = TrashedFavorite.item_id == item_id
        for other in self._session.execute(binned.with_for_update(skip_locked=True)).all():
            theirs = (mine, TrashedFavorite.task_id == other.task_id)
            self._session.execute(update(TrashedFavorite).where(*theirs).values(item_id=other.id))
        self._session.execute(delete(TrashedFavorite).where(mine))


def free_name(name: str, node_type: str, taken: Callable[[str], bool]) -> str:
    """The name or, where it is taken, the same with the lowest number from 2 that is free: `cat (2).png`."""
    parts = PARTS.fullmatch(name) if node_type == NodeType.FILE else None
    stem, extension = (parts[1], parts[2] or "") if parts else (name, "")
    ends = chain([""], (f" ({number})" for number in count(2)))
    names = (stem[: LONGEST_NAME - len(end + extension)] + end + extension for end in ends)
    return next(name for name in names if not taken(name))


def _levels(nodes: Collection[Returning]) -> list[list[Returning]]:
    """Parents before their children, a list for each level."""
    ids = {node.id for node in nodes}
    levels = [[node for node in nodes if node.parent_id not in ids]]
    while levels[-1]:
        above = {node.id for node in levels[-1]}
        levels.append([node for node in nodes if node.parent_id in above])
    return levels[:-1]


def _row(user_id: int, node: Node, upload_id: int | None) -> dict[str, Any]:
    columns = ("id", "parent_id", "name", "node_type", "refer_url", "task_id", "created_at")
    return {"user_id": user_id, "upload_id": upload_id, **{name: getattr(node, name) for name in columns}}
