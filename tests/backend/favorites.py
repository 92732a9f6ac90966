"""What the tests of favourites share: short calls, files to refer to, and what must always hold."""

import itertools
from collections import Counter
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from shared import db
from shared.claims import Claims
from shared.models import Favorite, Task, Upload, User
from tests.backend.conftest import Person
from tests.orders import result_entry

PATH = "/api/v1/user/favorite_list"
_numbers = itertools.count(1)


def nodes(person: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.call("GET", PATH).get_json()["data"]
    return found


def names(person: Person) -> list[str]:
    return [node["name"] for node in nodes(person)]


def root(person: Person) -> int:
    return int(nodes(person)[0]["id"])


def add(person: Person, parent: int, name: str, url: str | None = None) -> TestResponse:
    file = {"node_type": "file", "refer_url": url} if url else {"node_type": "folder"}
    return person.call("POST", PATH, json={"parent_id": parent, "name": name, **file})


def added(person: Person, parent: int, name: str, url: str | None = None) -> int:
    return int(add(person, parent, name, url).get_json()["data"]["id"])


def add_batch(person: Person, items: Any) -> TestResponse:
    return person.call("POST", f"{PATH}/batch", json={"items": items})


def change(person: Person, node: Any, **body: Any) -> TestResponse:
    return person.call("PATCH", f"{PATH}/{node}", json=body)


def remove(person: Person, node: Any) -> TestResponse:
    return person.call("DELETE", f"{PATH}/{node}")


def code(response: TestResponse) -> str:
    """The problem's code of a refused field, else the error's own."""
    error = response.get_json()["error"]
    return str(error["fields"][0]["code"] if error["fields"] else error["code"])


def make_results(person: Person, engine: Engine, count: int = 1) -> list[str]:
    """The urls of the results of a task that has just been completed."""
    task = person.submit().get_json()["data"]["task_id"]
    claims = Claims(engine, "worker", 15, 3)
    [claim] = claims.claim("gpu", lambda model: 1)
    files = [f"{task}.png", *(f"{task}_{number}.png" for number in range(2, count + 1))]
    claims.complete(claim, [result_entry(name) for name in files])
    return [f"/generated_outputs/{name}" for name in files]


def add_upload(engine: Engine, account: str) -> str:
    """The file_id of a picture of this user that nothing uses yet."""
    file_id = f"ref_{next(_numbers):020x}"
    facts = {"key": "uploads/x.png", "media_type": "image/png", "bytes": 1, "sha256": "0", "width": 8, "height": 8}
    with Session(engine) as session, db.writing(session):
        owner = session.scalars(select(User.id).where(User.account == account)).one()
        session.add(Upload(public_id=file_id, user_id=owner, **facts))
    return file_id


def is_favorite(person: Person, url: str) -> bool:
    task = url.removeprefix("/generated_outputs/").removesuffix(".png")[:25]
    return bool(person.call("GET", f"/api/v1/generation/{task}").get_json()["data"]["favorite"])


def assert_sound(engine: Engine) -> None:
    """What must hold for all favourites at any time."""
    with Session(engine) as session:
        found = {node.id: node for node in session.scalars(select(Favorite))}
        tasks = session.scalars(select(Task)).all()
    roots = [node for node in found.values() if node.parent_id is None]
    assert all(count == 1 for count in Counter(node.user_id for node in roots).values())
    assert all(node.root_of == node.user_id and node.name == "/" for node in roots)
    for node in found.values():
        assert (node.refer_url is not None) == (node.node_type == "file")
        assert _ends_at_own_root(node, found)
    places = Counter((node.parent_id, node.name) for node in found.values() if node.parent_id)
    urls = Counter((node.user_id, node.refer_url) for node in found.values() if node.refer_url)
    assert {*places.values(), *urls.values()} <= {1}
    assert {task.id for task in tasks if task.favorite} == {node.task_id for node in found.values() if node.task_id}
    assert not any(task.favorite and task.deleted_at for task in tasks)


def _ends_at_own_root(node: Favorite, found: dict[int, Favorite]) -> bool:
    """Going up leads through folders of the same user to the root, in no more steps than are allowed."""
    at = node
    for _ in range(65):
        if at.parent_id is None:
            return at.root_of == node.user_id
        at = found[at.parent_id]
        if at.node_type != "folder" or at.user_id != node.user_id:
            return False
    return False
