"""Whatever is done to favourites in whatever order: their trees stay sound, and what is refused changes nothing."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.services.favorite_tree import Node, NodeType
from backend.services.favorites import Favorites
from backend.services.files import Files, OwnFile
from backend.services.links import Links
from backend.services.new_favorites import NewNode
from backend.services.trash import Trash
from shared import clock, db
from shared.errors import AppError
from shared.models import Base, Task
from shared.storage import LocalStorage
from tests.backend.favorites import assert_sound
from tests.orders import add_task, add_user

MAXIMUM = 12
USERS = st.integers(0, 1)
PLACES = st.integers(-1, MAXIMUM)  # of a node in the tree, round and round; -1 is somebody else's root
NAMES = st.sampled_from(["a", "b", "c", "d"])
URLS = st.sampled_from([None, *(f"{task}/{number}" for task in range(3) for number in range(2)), "nowhere"])
TEMP_IDS = st.integers(0, 3)
PARENTS = st.tuples(PLACES, st.none()) | st.tuples(st.none(), TEMP_IDS)
ITEMS = st.tuples(TEMP_IDS, PARENTS, NAMES, URLS)
BATCHES = st.lists(ITEMS, min_size=1, max_size=4, unique_by=lambda item: item[0])


class OwnFiles(Files):
    """Six files of three tasks of each user."""

    def __init__(self, tasks: dict[int, list[int]]) -> None:
        self._tasks = tasks

    def refer_all(self, user_id: int, texts: Collection[str]) -> dict[str, OwnFile]:
        tasks = {text: self._tasks[user_id][int(text[0])] for text in texts if text != "nowhere"}
        return {text: OwnFile(text, "k", "image/png", 1, "0", 8, 8, task_id=task) for text, task in tasks.items()}


class AnyOrder(RuleBasedStateMachine):
    """Two users with three tasks each. The trees before each act are kept, to see what a refused one has changed."""

    @initialize()
    def begin(self) -> None:
        self.engine = db.connect("sqlite://")
        Base.metadata.create_all(self.engine)
        self.users = [add_user(self.engine) for _ in range(2)]
        public_ids = {user: [add_task(self.engine, user) for _ in range(3)] for user in self.users}
        self.session = Session(self.engine)
        found = {row.public_id: row.id for row in self.session.execute(select(Task.public_id, Task.id))}
        self.tasks = {user: [found[public_id] for public_id in public_ids[user]] for user in self.users}
        self.favorites = Favorites(self.session, OwnFiles(self.tasks), MAXIMUM)
        self.trees = [self.favorites.tree(user) for user in self.users]

    def teardown(self) -> None:
        self.session.close()
        self.engine.dispose()

    @rule(user=USERS, items=BATCHES)
    def add_all(self, user: int, items: list[Any]) -> None:
        wanted = [
            NewNode(
                temp_id=temp_id,
                parent_id=None if place is None else self.id_at(user, place),
                parent_temp_id=parent,
                name=name,
                node_type=NodeType.FILE if url else NodeType.FOLDER,
                refer_url=url,
            )
            for temp_id, (place, parent), name, url in items
        ]

        ids = self.attempt(lambda: self.favorites.add_all(self.users[user], wanted))

        if ids is not None:
            there = {node.id: (node.parent_id, node.name, node.refer_url) for node in self.tree_of(user)}
            for node in wanted:
                parent = node.parent_id if node.parent_temp_id is None else ids[node.parent_temp_id]
                url = f"/generated_outputs/{node.refer_url}" if node.refer_url else None
                assert there[ids[node.temp_id]] == (parent, node.name, url)

    @rule(user=USERS, place=PLACES, name=NAMES, url=URLS)
    def add(self, user: int, place: int, name: str, url: str | None) -> None:
        kind = NodeType.FILE if url else NodeType.FOLDER
        node = NewNode(parent_id=self.id_at(user, place), name=name, node_type=kind, refer_url=url)

        self.attempt(lambda: self.favorites.add(self.users[user], node))

    @rule(user=USERS, place=PLACES, name=NAMES | st.none(), into=PLACES | st.none())
    def change(self, user: int, place: int, name: str | None, into: int | None) -> None:
        node, parent = self.id_at(user, place), None if into is None else self.id_at(user, into)

        changed = self.attempt(lambda: self.favorites.change(self.users[user], node, name, parent))

        if changed is not None:
            assert changed in self.tree_of(user)

    @rule(user=USERS, place=PLACES)
    def remove(self, user: int, place: int) -> None:
        before, node = self.tree_of(user), self.id_at(user, place)

        gone = self.attempt(lambda: self.favorites.remove(self.users[user], node))

        if gone is not None:
            assert [left for left in before if left not in gone or left.parent_id is None] == self.tree_of(user)

    @rule(user=USERS, task=st.integers(0, 2))
    def forget_task(self, user: int, task: int) -> None:
        task_id = self.tasks[self.users[user]][task]

        with db.writing(self.session):
            live = update(Task).where(Task.id == task_id, Task.deleted_at.is_(None))
            if self.session.connection().execute(live.values(deleted_at=clock.now())).rowcount:
                self.favorites.forget_task(self.users[user], task_id)

        assert not any(node.task_id == task_id for node in self.tree_of(user))

    @rule(user=USERS, place=PLACES)
    def restore(self, user: int, place: int) -> None:
        trash = Trash(self.session, self.favorites, LocalStorage(Path("unused")), Links("secret", 60), 30)
        items = [item.id for item in trash.page(self.users[user], 200, None).items]
        before = self.tree_of(user)

        back = self.attempt(lambda: trash.restore(self.users[user], [items[place]])) if items[place:] else None

        if back is not None:
            assert len(self.tree_of(user)) == len(before) + len(back[0].favorites)
            assert {*before, *back[0].favorites} == {*self.tree_of(user)}

    @invariant()
    def the_trees_are_sound(self) -> None:
        self.trees = [self.tree_of(user) for user in range(2)]
        assert all(len(tree) <= MAXIMUM + 1 for tree in self.trees)
        assert all(_parents_come_first(tree) for tree in self.trees)
        self.session.rollback()  # a database in memory has one connection
        assert_sound(self.engine)

    def tree_of(self, user: int) -> list[Node]:
        return self.favorites.tree(self.users[user])

    def id_at(self, user: int, place: int) -> int:
        """The id of a node of this user or, for -1, of somebody else."""
        mine, others = self.trees[user], self.trees[1 - user]
        return others[0].id if place < 0 else mine[place % len(mine)].id

    def attempt(self, act: Callable[[], Any]) -> Any:
        """What the act returns; None for one that was refused."""
        try:
            return act()
        except AppError:
            assert [self.tree_of(user) for user in range(2)] == self.trees
            return None


def _parents_come_first(tree: list[Node]) -> bool:
    known: set[int | None] = {None}
    for node in tree:
        if node.parent_id not in known:
            return False
        known.add(node.id)
    return True


AnyOrder.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
TestAnyOrder = AnyOrder.TestCase
