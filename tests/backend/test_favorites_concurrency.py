"""Favourites that several clients of one user change at once: real threads and connections, on both stacks."""

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from backend.services.favorites import Favorites
from backend.services.files import Files
from shared import clock, db
from shared.models import Task
from shared.settings import Settings
from shared.storage import LocalStorage
from tests.backend.conftest import Person
from tests.backend.favorites import (
    add,
    add_batch,
    added,
    assert_sound,
    change,
    code,
    make_results,
    names,
    remove,
    root,
)
from tests.together import at_once

CLIENTS = 8
ROUNDS = 8


@pytest.fixture
def clients(app: Flask, alice: Person) -> list[Person]:
    """One person, several times."""
    return [replace(alice, client=app.test_client()) for _ in range(CLIENTS)]


def test_the_first_look_of_all_finds_the_same_root(clients: list[Person], engine: Engine) -> None:
    roots = at_once(*(lambda client=client: root(client) for client in clients))

    assert len(set(roots)) == 1
    assert_sound(engine)


def test_one_of_all_gets_the_name(clients: list[Person], engine: Engine) -> None:
    top = root(clients[0])

    answers = at_once(*(lambda client=client: add(client, top, "same") for client in clients))

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * (CLIENTS - 1)
    assert {code(answer) for answer in answers if answer.status_code == 409} == {"name_taken"}
    assert names(clients[0]) == ["/", "same"]


def test_one_of_all_gets_the_url(clients: list[Person], engine: Engine) -> None:
    top, [url] = root(clients[0]), make_results(clients[0], engine)

    answers = at_once(
        *(lambda client=client, name=str(name): add(client, top, name, url) for name, client in enumerate(clients))
    )

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * (CLIENTS - 1)
    assert {code(answer) for answer in answers if answer.status_code == 409} == {"already_favorite"}
    assert_sound(engine)


def test_batches_that_share_one_name_come_in_whole_or_not_at_all(clients: list[Person], engine: Engine) -> None:
    top = root(clients[0])

    def send(number: int) -> TestResponse:
        own = [{"temp_id": n, "parent_id": top, "name": f"{number}-{n}", "node_type": "folder"} for n in range(20)]
        shared = {"temp_id": 20, "parent_id": top, "name": "shared", "node_type": "folder"}
        return add_batch(clients[number], [*own, shared])

    answers = at_once(*(lambda number=number: send(number) for number in range(CLIENTS)))

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * (CLIENTS - 1)
    assert len(names(clients[0])) == 22


def test_crossing_moves_never_make_a_circle(clients: list[Person], engine: Engine) -> None:
    top, (one, two, *_) = root(clients[0]), clients

    for _ in range(ROUNDS):
        a, b = added(one, top, "a"), added(one, top, "b")

        answers = at_once(lambda a=a, b=b: change(one, a, parent_id=b), lambda a=a, b=b: change(two, b, parent_id=a))

        assert sorted(answer.status_code for answer in answers) == [200, 400]
        assert sorted(names(one)) == ["/", "a", "b"]
        assert_sound(engine)
        remove(one, top)


def test_what_is_added_below_a_folder_that_goes_is_no_orphan(clients: list[Person], engine: Engine) -> None:
    top, (one, two, three, *_) = root(clients[0]), clients

    for _ in range(ROUNDS):
        outer = added(one, top, "outer")
        inner = added(one, outer, "inner")
        item = {"temp_id": 1, "parent_id": inner, "name": "many", "node_type": "folder"}

        removal, *additions = at_once(
            lambda outer=outer: remove(one, outer),
            lambda inner=inner: add(two, inner, "one"),
            lambda item=item: add_batch(three, [item]),
        )

        told = {node["name"] for node in removal.get_json()["data"]}
        came_in = {name for name, answer in zip(("one", "many"), additions, strict=True) if answer.status_code == 200}
        assert told == {"outer", "inner"} | came_in
        assert {code(answer) for answer in additions if answer.status_code != 200} <= {"unknown_parent"}
        assert names(one) == ["/"]
        assert_sound(engine)


def test_what_moves_into_a_folder_that_goes_is_no_orphan(clients: list[Person], engine: Engine) -> None:
    top, (one, two, *_) = root(clients[0]), clients

    for _ in range(ROUNDS):
        target, node = added(one, top, "target"), added(one, top, "node")

        removal, move = at_once(
            lambda target=target: remove(one, target),
            lambda target=target, node=node: change(two, node, parent_id=target),
        )

        assert removal.status_code == 200
        assert move.status_code in {200, 400}
        assert names(one) == (["/"] if move.status_code == 200 else ["/", "node"])
        assert_sound(engine)
        remove(one, top)


def test_the_same_removal_at_once_tells_each_node_once(clients: list[Person], engine: Engine) -> None:
    top = root(clients[0])
    node = added(clients[0], top, "a")

    answers = at_once(*(lambda client=client: remove(client, node) for client in clients))

    assert sorted(answer.status_code for answer in answers) == [200] + [404] * (CLIENTS - 1)


@pytest.mark.parametrize("forgets_first", [True, False], ids=["forgets, then marks", "marks, then forgets"])
def test_a_task_that_is_deleted_while_it_is_added_leaves_no_favorite(
    clients: list[Person], engine: Engine, settings: Settings, forgets_first: bool
) -> None:
    top, (one, two, *_) = root(clients[0]), clients

    def delete(public_id: str) -> None:
        with Session(engine) as session, db.writing(session):
            task = session.execute(select(Task.id, Task.user_id).where(Task.public_id == public_id)).one()
            steps = [
                lambda: favorites(session, settings).forget_task(task.user_id, task.id),
                lambda: session.execute(update(Task).where(Task.id == task.id).values(deleted_at=clock.now())),
            ]
            for step in steps if forgets_first else reversed(steps):
                step()

    for number in range(ROUNDS):
        first, second = make_results(one, engine, count=2)
        public_id = first.removeprefix("/generated_outputs/").removesuffix(".png")
        added(one, top, f"first {number}", first)

        _, answer = at_once(
            lambda public_id=public_id: delete(public_id),
            lambda number=number, second=second: add(two, top, f"second {number}", second),
        )

        assert answer.status_code == 200 or code(answer) == "unknown_url"
        assert names(one) == ["/"]
        assert_sound(engine)


def favorites(session: Session, settings: Settings) -> Favorites:
    return Favorites(session, Files(session, LocalStorage(settings.data_dir)), 100)
