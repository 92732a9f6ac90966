"""What is deleted can be had back for a while, as it was. On both stacks."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, func, select

from shared.models import Task, TrashedFavorite, TrashItem, Upload
from shared.settings import Settings
from shared.storage import LocalStorage
from tests.backend.conftest import Person
from tests.backend.favorites import add, add_upload, added, assert_sound, names, nodes, remove, root
from tests.backend.records import delete, listed
from tests.backend.trash import PATH, PICTURE, SMALL, add_record, age, code, ids, items, key_of, restore

ROUNDS = 4


@pytest.fixture
def storage(settings: Settings) -> LocalStorage:
    return LocalStorage(settings.data_dir / "files")


@pytest.fixture
def task(alice: Person, engine: Engine, storage: LocalStorage) -> str:
    return add_record(engine, storage, alice)


def url(task: str) -> str:
    return f"/generated_outputs/{task}.png"


def rows(engine: Engine, table: type) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def test_a_deleted_record_is_told_with_its_times_and_a_picture(alice: Person, task: str) -> None:
    delete(alice, task_id=task)

    [item] = items(alice)

    assert (item["type"], item["task_id"], item["name"]) == ("record", task, "a red circle")
    assert (item["favorites"], item["bytes"]) == (0, len(PICTURE) + len(SMALL))
    kept = datetime.fromisoformat(item["expires_at"]) - datetime.fromisoformat(item["deleted_at"])
    assert kept == timedelta(days=30)
    assert alice.client.get(item["thumbnail_url"], buffered=True).data == SMALL
    assert alice.client.get(item["thumbnail_url"].replace("signature=", "signature=0")).status_code == 401


def test_a_restored_record_is_back_with_its_file_and_favourites(alice: Person, engine: Engine, task: str) -> None:
    folder = added(alice, root(alice), "folder")
    added(alice, folder, "cat.png", url(task))
    before = nodes(alice)
    delete(alice, task_id=task)
    gone = (names(alice), alice.call("GET", url(task)).status_code, items(alice)[0]["favorites"])

    response = restore(alice, *ids(alice))

    assert gone == (["/", "folder"], 404, 1)
    [back] = response.get_json()["data"]["restored"]
    assert (back["type"], back["task_id"], [node["name"] for node in back["favorites"]]) == (
        "record",
        task,
        ["cat.png"],
    )
    assert nodes(alice) == before
    assert listed(alice, favorite="true") == [task]
    assert alice.call("GET", url(task)).data == PICTURE
    assert ids(alice) == []
    assert_sound(engine)


def test_a_folder_comes_back_with_all_below_it_and_the_same_ids(alice: Person, engine: Engine, task: str) -> None:
    outer = added(alice, root(alice), "outer")
    inner = added(alice, outer, "inner")
    added(alice, inner, "cat.png", url(task))
    added(alice, inner, "ref", f"/generated_outputs/{add_upload(engine, 'alice')}.png")
    before = nodes(alice)
    remove(alice, outer)
    [item] = items(alice)

    restore(alice, item["id"])

    assert (item["type"], item["name"], item["favorites"], item["thumbnail_url"]) == ("favorite", "outer", 4, None)
    assert nodes(alice) == before
    assert listed(alice, favorite="true") == [task]
    assert_sound(engine)


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
def test_an_emptied_root_comes_back_as_it_was(alice: Person, engine: Engine) -> None:
    added(alice, added(alice, root(alice), "a"), "b")
    before = nodes(alice)
    remove(alice, root(alice))
    [item] = items(alice)
    remove(alice, root(alice))

    restore(alice, item["id"])

    assert (item["name"], nodes(alice), ids(alice)) == ("/", before, [])
    assert_sound(engine)


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
def test_what_was_taken_out_of_a_folder_before_goes_back_into_it_or_into_the_root(alice: Person) -> None:
    folder = added(alice, root(alice), "folder")
    for name in ("together", "alone"):
        remove(alice, added(alice, folder, name))
    remove(alice, folder)
    [gone, alone, together] = ids(alice)

    restore(alice, alone)
    restore(alice, together, gone)

    parents = {node["name"]: node["parent_id"] for node in nodes(alice)}
    assert parents == {"/": None, "alone": root(alice), "folder": root(alice), "together": folder}


def test_a_name_that_is_taken_gets_a_number(alice: Person, engine: Engine, storage: LocalStorage) -> None:
    top, tasks = root(alice), [add_record(engine, storage, alice) for _ in range(3)]
    for number, task in enumerate(tasks):
        node = added(alice, top, "cat.v2.png", url(task))
        if number < 2:
            remove(alice, node)
    remove(alice, added(alice, top, "x.y"))
    added(alice, top, "x.y")

    response = restore(alice, *ids(alice))

    assert response.status_code == 200
    assert sorted(names(alice)) == ["/", "cat.v2 (2).png", "cat.v2 (3).png", "cat.v2.png", "x.y", "x.y (2)"]
    assert_sound(engine)


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
def test_the_longest_name_stays_within_the_limit(alice: Person) -> None:
    for _ in range(2):
        remove(alice, added(alice, root(alice), "图" * 255))

    restore(alice, *ids(alice))

    assert sorted(names(alice)) == ["/", "图" * 251 + " (2)", "图" * 255]


def test_a_file_that_is_a_favourite_again_or_in_the_trash_itself_stays_out(
    alice: Person, engine: Engine, storage: LocalStorage
) -> None:
    top, [again, binned, purged] = root(alice), [add_record(engine, storage, alice) for _ in range(3)]
    folder = added(alice, top, "folder")
    for name, task in (("again", again), ("binned", binned), ("purged", purged)):
        added(alice, folder, name, url(task))
    remove(alice, folder)
    added(alice, top, "mine", url(again))
    added(alice, top, "anew", url(binned))
    delete(alice, task_id=purged)
    alice.call("DELETE", f"{PATH}/{ids(alice)[0]}")
    delete(alice, task_id=binned)
    [record, item] = ids(alice)

    restore(alice, item)
    alone = names(alice)
    restore(alice, record)

    assert alone == ["/", "folder", "mine"]
    assert names(alice) == ["/", "folder", "mine", "anew"]
    assert_sound(engine)


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
def test_what_cannot_come_back_at_all_is_refused_and_nothing_else_comes(alice: Person, task: str) -> None:
    remove(alice, added(alice, root(alice), "folder"))
    remove(alice, added(alice, root(alice), "cat.png", url(task)))
    [file, folder] = ids(alice)
    added(alice, root(alice), "mine", url(task))

    response = restore(alice, folder, file)

    assert code(response) == (409, "nothing_to_restore")
    assert response.get_json()["error"]["fields"][0]["field"] == "ids.1"
    assert (names(alice), ids(alice)) == (["/", "mine"], [file, folder])


def test_others_items_unknown_ones_and_those_past_their_time_are_not_found(
    alice: Person, bob: Person, engine: Engine, task: str
) -> None:
    delete(alice, task_id=task)
    [item] = items(alice)
    acts = [partial(restore, bob), partial(remove_item, bob)]

    others = [act(item["id"]).get_json() for act in acts]
    unknown = [act(999_999).get_json() for act in acts]
    mixed = restore(alice, item["id"], 999_999)
    still = ids(alice)
    age(engine, 31)

    assert (others, code(mixed)) == (unknown, (404, "not_found"))
    assert others[0]["error"]["code"] == "not_found"
    assert (ids(bob), still) == ([], [item["id"]])
    assert bob.call("GET", item["thumbnail_url"].partition("?")[0]).status_code == 404
    assert (ids(alice), code(restore(alice, item["id"]))) == ([], (404, "not_found"))
    assert alice.client.get(item["thumbnail_url"]).status_code == 404


def remove_item(person: Person, item: int) -> Any:
    return person.call("DELETE", f"{PATH}/{item}")


def test_removing_for_good_takes_row_and_files_and_nothing_else(
    alice: Person, engine: Engine, storage: LocalStorage, task: str
) -> None:
    other = add_record(engine, storage, alice)
    added(alice, root(alice), "cat.png", url(task))
    delete(alice, task_id=task)
    [item] = ids(alice)

    response = remove_item(alice, item)

    assert response.get_json() == {"code": 200, "message": "已彻底删除", "data": None}
    assert [file.key for file in storage.files("results/aa")] == unordered(key_of(other))
    assert (rows(engine, Task), rows(engine, TrashItem), rows(engine, TrashedFavorite)) == (1, 0, 0)
    assert remove_item(alice, item).status_code == 404


def unordered(key: str) -> Any:
    """The two files of this key, however a folder lists them."""
    return Unordered([key, key.replace(".png", ".thumb.webp")])


class Unordered(list[str]):
    """Equal to the same in any order."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, list) and sorted(self) == sorted(other)


def test_emptying_takes_everything_of_one_user(
    alice: Person, bob: Person, engine: Engine, storage: LocalStorage, task: str
) -> None:
    others = add_record(engine, storage, bob)
    delete(bob, task_id=others)
    delete(alice, task_id=task)
    remove(alice, added(alice, root(alice), "folder"))

    alice.call("DELETE", PATH)

    assert (ids(alice), len(ids(bob)), rows(engine, Task)) == ([], 1, 1)
    assert [file.key for file in storage.files("results/aa")] == unordered(key_of(others))


def test_an_upload_is_unused_again_once_nothing_refers_to_it(alice: Person, engine: Engine) -> None:
    kept, free = (add_upload(engine, "alice") for _ in range(2))
    node = added(alice, root(alice), "kept", f"/generated_outputs/{kept}.png")
    other = added(alice, root(alice), "free", f"/generated_outputs/{free}.png")
    remove(alice, other)
    remove(alice, node)
    [binned, _] = ids(alice)

    restore(alice, binned)
    alice.call("DELETE", PATH)

    with engine.connect() as connection:
        used = connection.execute(select(Upload.public_id, Upload.used_at.is_not(None)).order_by(Upload.id)).all()
    assert [tuple(row) for row in used] == [(kept, True), (free, False)]


def test_pages_go_from_the_newest_deletion_to_the_oldest(alice: Person) -> None:
    for name in "abc":
        remove(alice, added(alice, root(alice), name))

    first = alice.call("GET", PATH, query_string={"limit": 2}).get_json()
    second = alice.call("GET", PATH, query_string={"limit": 2, "cursor": first["next_cursor"]}).get_json()

    assert [[item["name"] for item in page["data"]] for page in (first, second)] == [["c", "b"], ["a"]]
    assert second["next_cursor"] is None


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # nothing of this reaches a database
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ids": []},
        {"ids": [0]},
        {"ids": ["1"]},
        {"ids": [1, 1]},
        {"ids": [2**63]},
        {"ids": [1] * 101},
        {"ids": "1\0"},
        {"ids": [1], "surprise": 1},
    ],
    ids=lambda body: str(body)[:20],
)
def test_a_body_that_names_no_items_is_refused(alice: Person, body: Any) -> None:
    assert code(alice.call("POST", f"{PATH}/restore", json=body)) == (400, "invalid_request")


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", ["trash_0.webp", "x", "trash_1.png", f"trash_{10**18}.webp", "trash_7.webp", "😀"])
def test_a_thumbnail_of_no_item_is_not_found(alice: Person, name: str) -> None:
    assert alice.call("GET", f"{PATH}/thumbnails/{name}").status_code == 404


def at_once(*acts: Any) -> list[Any]:
    """What the acts return, each done by a thread of its own when all are ready."""
    barrier = Barrier(len(acts))

    def act(work: Any) -> Any:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(act, acts))


@pytest.fixture
def others(app: Flask, alice: Person) -> list[Person]:
    """One person, several times."""
    return [replace(alice, client=app.test_client()) for _ in range(3)]


def test_who_restores_while_somebody_takes_the_name_gets_a_number_or_comes_first(
    alice: Person, engine: Engine, others: list[Person]
) -> None:
    top = root(alice)
    for number in range(ROUNDS):
        remove(alice, added(alice, top, f"{number}"))
    order = sorted(ids(alice))

    answers = [
        at_once(partial(restore, others[0], item), partial(add, others[1], top, str(number)))
        for number, item in enumerate(order)
    ]

    assert {restored.status_code for restored, _ in answers} == {200}
    assert {made.status_code for _, made in answers} <= {200, 409}
    assert len(names(alice)) == 1 + ROUNDS + sum(made.status_code == 200 for _, made in answers)
    assert_sound(engine)


def test_of_several_who_restore_or_remove_an_item_one_has_it(
    alice: Person, engine: Engine, storage: LocalStorage, others: list[Person]
) -> None:
    tasks = [add_record(engine, storage, alice) for _ in range(ROUNDS)]
    for task in tasks:
        delete(alice, task_id=task)

    for item in ids(alice):
        both = at_once(partial(restore, others[0], item), partial(remove_item, others[1], item))
        assert sorted(answer.status_code for answer in both) == [200, 404]

    assert rows(engine, TrashItem) == 0
    assert len(listed(alice)) == rows(engine, Task) == len(list(storage.files("results/aa"))) // 2


def test_who_deletes_a_record_while_its_folder_goes_loses_no_favourite(
    alice: Person, engine: Engine, storage: LocalStorage, others: list[Person]
) -> None:
    for number in range(ROUNDS):
        task = add_record(engine, storage, alice)
        folder = added(alice, root(alice), str(number))
        added(alice, folder, "cat", url(task))

        answers = at_once(partial(delete, others[0], task_id=task), partial(remove, others[1], folder))

        assert [answer.status_code for answer in answers] == [200, 200]
        assert restore(alice, *ids(alice)).status_code == 200
        assert [node["parent_id"] for node in nodes(alice) if node["name"] == "cat"] == [folder]
        assert_sound(engine)
        remove(alice, folder)
        alice.call("DELETE", PATH)
