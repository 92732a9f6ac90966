"""One user's tree of favourites as it is kept, and what a new or moved node may hang on. Knows no database."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.errors import Invalid, NotFound

ROOT_NAME = "/"
MAX_LEVEL = 64


class NodeType(StrEnum):
    """What a node is."""

    FOLDER = "folder"
    FILE = "file"


@dataclass(frozen=True)
class Node:
    """A folder, or a file that refers to a result (of the task with the row `task_id`) or to an upload."""

    id: int
    parent_id: int | None
    name: str
    node_type: str
    refer_url: str | None
    task_id: int | None
    created_at: datetime


class Tree:
    """All nodes of one user. The root is level 0; no node may be below level MAX_LEVEL."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self._nodes: dict[int, Node] = {}
        self._names: set[tuple[int | None, str]] = set()
        self._children: defaultdict[int | None, list[Node]] = defaultdict(list)
        for node in nodes:
            self.add(node)

    def __len__(self) -> int:
        return len(self._nodes)

    def add(self, node: Node) -> None:
        """One more, whose parent is there."""
        self._nodes[node.id] = node
        self._children[node.parent_id].append(node)
        self._names.add((node.parent_id, node.name))

    def __iter__(self) -> Iterator[Node]:
        """Parents before children, the root first."""
        return (node for level in self.levels(self.root) for node in level)

    @property
    def root(self) -> Node:
        (root,) = self._children[None]
        return root

    def get(self, id: int | None) -> Node | None:
        """None where there is none."""
        return self._nodes.get(id or 0)

    def find(self, id: int) -> Node:
        """Raises NotFound."""
        if id not in self._nodes:
            raise NotFound(str(id))
        return self._nodes[id]

    def folder(self, id: int, field: str) -> Node:
        """The folder that `field` of a request names. Raises Invalid."""
        if id not in self._nodes:
            raise Invalid.of(field, "unknown_parent")
        if self._nodes[id].node_type != NodeType.FOLDER:
            raise Invalid.of(field, "parent_not_folder")
        return self._nodes[id]

    def level(self, node: Node) -> int:
        """How many steps it is from the root."""
        return len(self._path(node)) - 1

    def levels(self, node: Node) -> list[list[Node]]:
        """The node, its children, their children and so on, a list each."""
        levels = [[node]]
        while below := [child for parent in levels[-1] for child in self._children[parent.id]]:
            levels.append(below)
        return levels

    def has(self, parent_id: int | None, name: str) -> bool:
        """Whether the folder has a node of this name."""
        return (parent_id, name) in self._names

    def refuse_move(self, node: Node, folder: Node, field: str) -> None:
        """Raises Invalid where the node would be in itself, or what it holds too deep."""
        if node in self._path(folder):
            raise Invalid.of(field, "cycle")
        refuse_level(self.level(folder) + len(self.levels(node)), field)

    def _path(self, node: Node) -> list[Node]:
        """From the node up to the root."""
        path = [node]
        while (above := path[-1].parent_id) is not None:
            path.append(self._nodes[above])
        return path


def refuse_level(level: int, field: str) -> None:
    """Raises Invalid for one that no node may be at."""
    if level > MAX_LEVEL:
        raise Invalid.of(field, "too_deep", max=MAX_LEVEL)
