"""Favourites: every user's one tree of folders and of files that refer to the user's results and uploads.

Whatever changes a tree first locks its root, so that one user's tree changes once at a time and what was checked stays
so until the commit.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.services.favorite_rows import add_item, mark, throw_away
from backend.services.favorite_tree import ROOT_NAME, Node, NodeType, Tree
from backend.services.files import Files, OwnFile
from backend.services.new_favorites import Levels, NewNode, by_level, refuse_unfit
from shared.clock import database_now, now
from shared.db import writing
from shared.errors import FavoritesFull, Invalid, NameTaken
from shared.models import Favorite, Task, Upload

COLUMNS = (
    Favorite.id,
    Favorite.parent_id,
    Favorite.name,
    Favorite.node_type,
    Favorite.refer_url,
    Favorite.task_id,
    Favorite.created_at,
)


class Favorites:
    """The favourites of all users, `maximum` of them for each; somebody else's node is NotFound, as an unknown one."""

    def __init__(self, session: Session, files: Files, maximum: int) -> None:
        self._session = session
        self._files = files
        self._maximum = maximum

    def tree(self, user_id: int) -> list[Node]:
        """All nodes, parents before children, the root first. A user who has no root yet gets one."""
        self._make_root(user_id)
        return list(self._read(user_id))

    def add(self, user_id: int, node: NewNode) -> int:
        """Its id. Raises Invalid, NameTaken, AlreadyFavorite, FavoritesFull."""
        return self.add_all(user_id, [node])[node.temp_id]

    def add_all(self, user_id: int, nodes: Sequence[NewNode]) -> dict[int, int]:
        """All or, where `add` would raise for any of them, none; the ids by temp_id."""
        levels = by_level(nodes)
        files = self._files_of(user_id, nodes)
        with self.changing(user_id) as tree:
            self.refuse_overfull(tree, len(nodes))
            refuse_unfit(tree, levels, {temp_id: file.url for temp_id, file in files.items()})
            self._keep(nodes, files)
            return self._insert(user_id, levels, files)

    def change(self, user_id: int, id: int, name: str | None = None, parent_id: int | None = None) -> Node:
        """Rename the node, move it, or both. Raises NotFound, Invalid, NameTaken."""
        if name is None and parent_id is None:
            raise Invalid.of("body", "nothing_to_change")
        with self.changing(user_id) as tree:
            before = tree.find(id)
            if before.parent_id is None:
                raise Invalid.of("collection_id", "root_fixed")
            if parent_id is not None:
                tree.refuse_move(before, tree.folder(parent_id, "parent_id"), "parent_id")
            after = replace(
                before,
                name=before.name if name is None else name,
                parent_id=before.parent_id if parent_id is None else parent_id,
            )
            if (after.parent_id, after.name) != (before.parent_id, before.name):
                self._update(tree, after)
        return after

    def remove(self, user_id: int, id: int) -> list[Node]:
        """Put the node and all below it into the trash, and tell what went, parents first. Raises NotFound.

        The root only loses what it holds, but is told too.
        """
        with self.changing(user_id) as tree:
            levels = tree.levels(tree.find(id))
            gone = list(chain.from_iterable(levels))
            self._unmark(tree, gone)
            going = levels if id != tree.root.id else levels[1:]
            item = add_item(self._session, user_id, name=gone[0].name) if going else 0
            for level in reversed(going):
                throw_away(self._session, item, [node.id for node in level])
        return gone

    def forget_task(self, user_id: int, task_id: int) -> None:
        """Part of the caller's transaction: make the task's item of the trash and put what refers to the task into it.

        Before or after the caller marks the task as deleted: its row is locked from here on, so `add` waits and then
        finds it gone.
        """
        task = update(Task).where(Task.id == task_id, Task.user_id == user_id)
        self._session.execute(task.values(favorite=False, updated_at=database_now()))
        item = add_item(self._session, user_id, task_id=task_id)
        refers = (Favorite.user_id == user_id, Favorite.task_id == task_id)
        throw_away(self._session, item, self._session.scalars(select(Favorite.id).where(*refers)).all())

    def refuse_overfull(self, tree: Tree, more: int = 0) -> None:
        """Raises FavoritesFull for a tree that holds more than it may, or would with so many more nodes."""
        if len(tree) - 1 + more > self._maximum:
            raise FavoritesFull

    @contextmanager
    def changing(self, user_id: int) -> Iterator[Tree]:
        """A transaction in which nobody else changes this user's tree; the tree as it then is."""
        self._make_root(user_id)
        with writing(self._session):
            self._session.execute(select(Favorite.id).where(Favorite.root_of == user_id).with_for_update())
            yield self._read(user_id)

    def _make_root(self, user_id: int) -> None:
        if self._has_root(user_id):
            return
        root = {"user_id": user_id, "root_of": user_id, "name": ROOT_NAME, "node_type": NodeType.FOLDER}
        try:
            with writing(self._session):
                self._session.execute(insert(Favorite).values(root))
        except IntegrityError:
            if not self._has_root(user_id):  # else another request of this user has been faster
                raise

    def _has_root(self, user_id: int) -> bool:
        return self._session.scalar(select(Favorite.id).where(Favorite.root_of == user_id)) is not None

    def _read(self, user_id: int) -> Tree:
        rows = self._session.execute(select(*COLUMNS).where(Favorite.user_id == user_id).order_by(Favorite.id))
        return Tree(Node(*row) for row in rows)

    def _files_of(self, user_id: int, nodes: Sequence[NewNode]) -> dict[int, OwnFile]:
        """What these nodes refer to, by temp_id. Raises Invalid."""
        urls = {node.temp_id: node.refer_url for node in nodes if node.refer_url is not None}
        found = self._files.refer_all(user_id, urls.values()) if urls else {}
        for node in nodes:
            if node.temp_id in urls and node.refer_url not in found:
                raise _unknown_url(node)
        return {temp_id: found[url] for temp_id, url in urls.items()}

    def _keep(self, nodes: Sequence[NewNode], files: Mapping[int, OwnFile]) -> None:
        """Mark tasks as favourites and uploads as used. Raises Invalid for one that has gone in the meantime."""
        tasks = {file.task_id for file in files.values() if file.task_id}
        uploads = {file.upload_id for file in files.values() if file.upload_id}
        here = Task.deleted_at.is_(None)
        gone_tasks = mark(self._session, Task, tasks, here, favorite=True, updated_at=database_now())
        gone_uploads = mark(self._session, Upload, uploads, used_at=now())
        for node in nodes:
            file = files.get(node.temp_id)
            if file and (file.task_id in gone_tasks or file.upload_id in gone_uploads):
                raise _unknown_url(node)

    def _unmark(self, tree: Tree, gone: Sequence[Node]) -> None:
        """The tasks that nothing refers to once these nodes have gone are favourites no more."""
        ids = {node.id for node in gone}
        left = {node.task_id for node in tree if node.id not in ids}
        tasks = {node.task_id for node in gone if node.task_id} - left
        mark(self._session, Task, tasks, favorite=False, updated_at=database_now())

    def _update(self, tree: Tree, node: Node) -> None:
        if tree.has(node.parent_id, node.name):
            raise NameTaken.of("name", "name_taken")
        changed = update(Favorite).where(Favorite.id == node.id)
        self._session.execute(changed.values(name=node.name, parent_id=node.parent_id))

    def _insert(self, user_id: int, levels: Levels, files: Mapping[int, OwnFile]) -> dict[int, int]:
        """One statement a level; MySQL does not tell the ids of many rows, but parent and name find them again."""
        ids: dict[int | None, int] = {}
        for level in levels:
            parents = {node.temp_id: node.parent_id or ids[node.parent_temp_id] for node in level}
            rows = [_row(user_id, node, parents[node.temp_id], files.get(node.temp_id)) for node in level]
            self._session.execute(insert(Favorite), rows)
            columns = (Favorite.id, Favorite.parent_id, Favorite.name)
            there = self._session.execute(select(*columns).where(Favorite.parent_id.in_(set(parents.values()))))
            found = {(parent, name): id for id, parent, name in there}
            ids |= {node.temp_id: found[parents[node.temp_id], node.name] for node in level}
        return {node.temp_id: ids[node.temp_id] for level in levels for node in level}


def _row(user_id: int, node: NewNode, parent_id: int, file: OwnFile | None) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "parent_id": parent_id,
        "name": node.name,
        "node_type": node.node_type,
        "refer_url": file.url if file else None,
        "task_id": file.task_id if file else None,
        "upload_id": file.upload_id if file else None,
    }


def _unknown_url(node: NewNode) -> Invalid:
    return Invalid.of(node.field("refer_url"), "unknown_url")
