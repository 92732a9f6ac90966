"""Nodes that somebody wants among their favourites: in which order they can come in, and what is wrong with them.

Knows no database; nothing here writes.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backend.services.favorite_tree import NodeType, Tree, refuse_level
from shared.errors import AlreadyFavorite, Invalid, NameTaken


@dataclass(frozen=True, kw_only=True)
class NewNode:
    """Its parent is there (`parent_id`) or new too (`parent_temp_id`); `place` goes before the names of its fields."""

    name: str
    node_type: NodeType
    refer_url: str | None = None
    parent_id: int | None = None
    temp_id: int = 0
    parent_temp_id: int | None = None
    place: str = ""

    def field(self, name: str) -> str:
        """The field's whole name in the request."""
        return self.place + name

    @property
    def parent_field(self) -> str:
        return self.field("parent_temp_id" if self.parent_id is None else "parent_id")


Levels = Sequence[Sequence[NewNode]]


def by_level(nodes: Sequence[NewNode]) -> Levels:
    """Parents before their children, a list for each level of new nodes. Raises Invalid for nodes that cannot be."""
    known = _by_temp_id(nodes)
    children: defaultdict[int | None, list[NewNode]] = defaultdict(list)
    for node in nodes:
        _refuse_parent(node, known)
        _refuse_url(node)
        children[node.parent_temp_id].append(node)
    levels = [children[None]]
    while below := [child for parent in levels[-1] for child in children[parent.temp_id]]:
        levels.append(below)
    reached = {node.temp_id for level in levels for node in level}
    for node in nodes:
        if node.temp_id not in reached:
            raise Invalid.of(node.parent_field, "cycle")
    return levels


def refuse_unfit(tree: Tree, levels: Levels, urls: Mapping[int, str]) -> None:
    """Raises Invalid, NameTaken or AlreadyFavorite for what the tree cannot take; `urls`: those of files by temp_id."""
    level_of: dict[int | None, int] = {}
    names: set[tuple[int | None, int | None, str]] = {(node.parent_id, None, node.name) for node in tree}
    taken = {node.refer_url for node in tree} - {None}
    for node in (node for level in levels for node in level):
        level_of[node.temp_id] = 1 + _level_of_parent(tree, node, level_of)
        refuse_level(level_of[node.temp_id], node.parent_field)
        name, url = (node.parent_id, node.parent_temp_id, node.name), urls.get(node.temp_id)
        if name in names:
            raise NameTaken.of(node.field("name"), "name_taken")
        if url in taken:
            raise AlreadyFavorite.of(node.field("refer_url"), "already_favorite")
        names.add(name)
        taken |= {url} - {None}


def _by_temp_id(nodes: Sequence[NewNode]) -> dict[int, NewNode]:
    known: dict[int, NewNode] = {}
    for node in nodes:
        if known.setdefault(node.temp_id, node) is not node:
            raise Invalid.of(node.field("temp_id"), "duplicate_temp_id")
    return known


def _refuse_parent(node: NewNode, known: Mapping[int, NewNode]) -> None:
    if (node.parent_id is None) == (node.parent_temp_id is None):
        raise Invalid.of(node.field("parent_id"), "parent_ambiguous")
    if node.parent_temp_id is None:
        return
    if node.parent_temp_id not in known:
        raise Invalid.of(node.parent_field, "unknown_parent")
    if known[node.parent_temp_id].node_type != NodeType.FOLDER:
        raise Invalid.of(node.parent_field, "parent_not_folder")


def _refuse_url(node: NewNode) -> None:
    if node.node_type == NodeType.FILE and node.refer_url is None:
        raise Invalid.of(node.field("refer_url"), "url_required")
    if node.node_type == NodeType.FOLDER and node.refer_url is not None:
        raise Invalid.of(node.field("refer_url"), "url_unexpected")


def _level_of_parent(tree: Tree, node: NewNode, level_of: Mapping[int | None, int]) -> int:
    if node.parent_id is None:
        return level_of[node.parent_temp_id]
    return tree.level(tree.folder(node.parent_id, node.parent_field))
