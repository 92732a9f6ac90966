"""v1's favourites, many at a time: all of a batch or nothing, on both stacks."""

from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from backend.services.favorite_tree import NodeType
from backend.services.favorites import Favorites
from backend.services.files import Files
from backend.services.new_favorites import NewNode
from shared.errors import FavoritesFull
from shared.settings import Settings
from shared.storage import LocalStorage
from tests.backend.conftest import Person
from tests.backend.favorites import (
    PATH,
    add_batch,
    add_upload,
    added,
    assert_sound,
    code,
    is_favorite,
    make_results,
    names,
    nodes,
    root,
)
from tests.orders import add_user

TOP = "the root's id"


def folder(temp_id: int, name: str, **parent: int) -> dict[str, Any]:
    return {"temp_id": temp_id, "name": name, "node_type": "folder", **parent}


def file(temp_id: int, name: str, url: str, **parent: int) -> dict[str, Any]:
    return {"temp_id": temp_id, "name": name, "node_type": "file", "refer_url": url, **parent}


def chain(top: int, length: int) -> list[dict[str, Any]]:
    """Folders, each in the one before."""
    return [folder(0, "0", parent_id=top), *(folder(n, str(n), parent_temp_id=n - 1) for n in range(1, length))]


def test_a_batch_is_added_as_documented(alice: Person, engine: Engine) -> None:
    top, [url] = root(alice), make_results(alice, engine)
    first, second = folder(1, "A", parent_id=top), folder(2, "B", parent_temp_id=1)

    body = add_batch(alice, [first, second, file(3, "c.png", url, parent_temp_id=2)]).get_json()

    assert (body["code"], body["message"]) == (200, "批量创建成功")
    ids = body["data"]["mapping"]
    assert list(ids) == ["1", "2", "3"]
    assert nodes(alice)[1:] == [
        {"id": ids["1"], "parent_id": top, "name": "A", "node_type": "folder"},
        {"id": ids["2"], "parent_id": ids["1"], "name": "B", "node_type": "folder"},
        {"id": ids["3"], "parent_id": ids["2"], "name": "c.png", "node_type": "file", "refer_url": url},
    ]
    assert is_favorite(alice, url)
    assert_sound(engine)


def test_the_order_of_a_batch_does_not_matter(alice: Person) -> None:
    items = [folder(-5, "C", parent_temp_id=0), folder(0, "B", parent_temp_id=2**63 - 1)]
    last = folder(2**63 - 1, "A", parent_id=root(alice))

    ids = add_batch(alice, [*items, last]).get_json()["data"]["mapping"]

    assert {node["name"]: node["id"] for node in nodes(alice)[1:]} == {
        "A": ids[str(2**63 - 1)],
        "B": ids["0"],
        "C": ids["-5"],
    }
    assert names(alice) == ["/", "A", "B", "C"]


def test_a_batch_hangs_on_several_folders_that_hold_other_things(alice: Person, engine: Engine) -> None:
    top = root(alice)
    home = added(alice, top, "home")
    added(alice, home, "old")

    ids = add_batch(alice, [folder(1, "new", parent_id=top), folder(2, "new", parent_id=home)]).get_json()["data"]

    places = {node["id"]: node["parent_id"] for node in nodes(alice)}
    assert [places[ids["mapping"][temp_id]] for temp_id in ("1", "2")] == [top, home]
    assert_sound(engine)


def test_a_parent_that_is_null_is_one_that_is_not_given(alice: Person) -> None:
    item = {**folder(1, "A", parent_id=root(alice)), "parent_temp_id": None, "refer_url": None}

    assert add_batch(alice, [item]).status_code == 200


def test_several_results_of_a_task_and_an_upload_come_in_together(alice: Person, engine: Engine) -> None:
    top, urls = root(alice), [*make_results(alice, engine, count=2), add_upload(engine, "alice")]

    response = add_batch(alice, [file(n, str(n), url, parent_id=top) for n, url in enumerate(urls)])

    assert response.status_code == 200
    assert_sound(engine)


REFUSED: list[tuple[str, str, list[Any]]] = [
    ("items", "too_short", []),
    ("items", "list_type", {}),  # type: ignore[list-item]
    ("items.0", "model_type", ["A"]),
    ("items.0.temp_id", "missing", [{"parent_id": TOP, "name": "A", "node_type": "folder"}]),
    ("items.0.temp_id", "int_type", [folder("1", "A", parent_id=TOP)]),  # type: ignore[arg-type]
    ("items.0.temp_id", "less_than", [folder(2**63, "A", parent_id=TOP)]),
    ("items.0.temp_id", "greater_than_equal", [folder(-(2**63) - 1, "A", parent_id=TOP)]),
    ("items.1.temp_id", "duplicate_temp_id", [folder(1, "A", parent_id=TOP), folder(1, "B", parent_id=TOP)]),
    ("items.0.parent_id", "parent_ambiguous", [folder(1, "A")]),
    ("items.1.parent_id", "parent_ambiguous", [folder(1, "A", parent_id=TOP), folder(2, "B")]),
    ("items.0.parent_id", "parent_ambiguous", [folder(1, "A", parent_id=TOP, parent_temp_id=1)]),
    ("items.0.parent_id", "unknown_parent", [folder(1, "A", parent_id=2**62)]),
    ("items.0.parent_id", "less_than", [folder(1, "A", parent_id=2**70)]),
    ("items.1.parent_temp_id", "unknown_parent", [folder(1, "A", parent_id=TOP), folder(2, "B", parent_temp_id=3)]),
    ("items.0.parent_temp_id", "cycle", [folder(1, "A", parent_temp_id=1)]),
    ("items.1.parent_temp_id", "cycle", [folder(0, "0", parent_id=TOP), folder(1, "A", parent_temp_id=1)]),
    ("items.0.parent_temp_id", "cycle", [folder(1, "A", parent_temp_id=2), folder(2, "B", parent_temp_id=1)]),
    ("items.0.refer_url", "url_unexpected", [{**folder(1, "A", parent_id=TOP), "refer_url": "/outputs/c.png"}]),
    ("items.0.refer_url", "url_required", [{**folder(1, "A", parent_id=TOP), "node_type": "file"}]),
    (
        "items.1.refer_url",
        "unknown_url",
        [folder(1, "A", parent_id=TOP), file(2, "c", "/c.png", parent_id=TOP)],
    ),
    ("items.0.refer_url", "unknown_url", [file(1, "c", "ref_" + "0" * 20, parent_id=TOP)]),
    ("items.1.name", "bad_name", [folder(1, "A", parent_id=TOP), folder(2, "a/b", parent_temp_id=1)]),
    ("items.0.name", "bad_name", [folder(1, "a\0b", parent_id=TOP)]),
    ("items.0.name", "string_too_long", [folder(1, "x" * 1_000_000, parent_id=TOP)]),
    ("items.0.node_type", "enum", [{**folder(1, "A", parent_id=TOP), "node_type": "link"}]),
    ("items.0.id", "extra_forbidden", [folder(1, "A", parent_id=TOP, id=5)]),
    ("items.64.parent_temp_id", "too_deep", chain(TOP, 65)),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # nothing of this is written to a database
@pytest.mark.parametrize(("field", "reason", "items"), REFUSED, ids=lambda value: repr(value)[:50])
def test_a_batch_with_one_bad_node_is_refused_whole(
    alice: Person, engine: Engine, field: str, reason: str, items: Any
) -> None:
    top = root(alice)
    rooted = [{**i, "parent_id": top} if isinstance(i, dict) and i.get("parent_id") == TOP else i for i in items]

    response = add_batch(alice, rooted if isinstance(items, list) else items)

    problem = response.get_json()["error"]["fields"][0]
    assert (response.status_code, problem["field"], problem["code"]) == (400, field, reason)
    assert names(alice) == ["/"]
    assert_sound(engine)


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # nothing of this is written to a database
@pytest.mark.parametrize("body", [{}, {"items": None}, {"items": "x"}, [], {"items": [], "more": 1}], ids=repr)
def test_what_is_no_batch_is_refused(alice: Person, body: Any) -> None:
    assert alice.call("POST", f"{PATH}/batch", json=body).status_code == 400


def test_nothing_of_a_batch_can_be_in_a_file(alice: Person, engine: Engine) -> None:
    top, [one, two] = root(alice), make_results(alice, engine, count=2)
    old = added(alice, top, "old", one)

    refused = [
        add_batch(alice, [folder(1, "A", parent_id=old)]),
        add_batch(alice, [file(1, "new", two, parent_id=top), folder(2, "A", parent_temp_id=1)]),
    ]

    assert [code(answer) for answer in refused] == ["parent_not_folder", "parent_not_folder"]
    assert names(alice) == ["/", "old"]


def test_names_of_a_batch_clash_with_each_other_and_with_what_is_there(alice: Person) -> None:
    top = root(alice)
    home = folder(1, "new", parent_id=top)
    added(alice, top, "old")

    refused = [
        add_batch(alice, [home, folder(2, "old", parent_id=top)]),
        add_batch(alice, [home, folder(2, "new", parent_id=top)]),
        add_batch(alice, [home, folder(2, "twin", parent_temp_id=1), folder(3, "twin", parent_temp_id=1)]),
    ]

    assert [answer.status_code for answer in refused] == [409, 409, 409]
    assert [answer.get_json()["error"]["code"] for answer in refused] == ["name_taken"] * 3
    fields = [answer.get_json()["error"]["fields"][0]["field"] for answer in refused]
    assert fields == ["items.1.name", "items.1.name", "items.2.name"]
    assert names(alice) == ["/", "old"]


def test_urls_of_a_batch_clash_with_each_other_and_with_what_is_there(alice: Person, engine: Engine) -> None:
    top, [old, new] = root(alice), make_results(alice, engine, count=2)
    [other] = make_results(alice, engine)
    added(alice, top, "old", old)

    refused = [
        add_batch(alice, [file(1, "a", other, parent_id=top), file(2, "b", old, parent_id=top)]),
        add_batch(alice, [file(1, "a", other, parent_id=top), file(2, "b", f"{other}?signature=x", parent_id=top)]),
    ]
    taken = add_batch(alice, [file(1, "a", new, parent_id=top)])

    assert [answer.get_json()["error"]["code"] for answer in refused] == ["already_favorite", "already_favorite"]
    assert {answer.get_json()["error"]["fields"][0]["field"] for answer in refused} == {"items.1.refer_url"}
    assert not is_favorite(alice, other)
    assert taken.status_code == 200
    assert_sound(engine)


def test_somebody_elses_folder_and_files_are_unknown_to_a_batch(alice: Person, bob: Person, engine: Engine) -> None:
    [url], others = make_results(bob, engine), root(bob)

    refused = [
        add_batch(alice, [folder(1, "A", parent_id=others)]),
        add_batch(alice, [file(1, "A", url, parent_id=root(alice))]),
    ]

    assert [code(answer) for answer in refused] == ["unknown_parent", "unknown_url"]
    assert names(bob) == ["/"]


def test_a_batch_may_be_as_deep_as_the_tree(alice: Person, engine: Engine) -> None:
    assert add_batch(alice, chain(root(alice), 64)).status_code == 200
    assert len(nodes(alice)) == 65
    assert_sound(engine)


def test_a_batch_may_be_a_thousand_nodes_with_the_longest_names(alice: Person) -> None:
    top = root(alice)
    items = [folder(n, f"{n:04}" + "😀" * 251, parent_id=top) for n in range(1001)]

    too_many, all_of_it = add_batch(alice, items), add_batch(alice, items[1:])

    assert (too_many.status_code, code(too_many)) == (400, "too_long")
    assert (all_of_it.status_code, len(all_of_it.get_json()["data"]["mapping"])) == (200, 1000)


def test_a_batch_that_does_not_fit_leaves_room_for_a_smaller_one(engine: Engine, settings: Settings) -> None:
    user = add_user(engine)
    with Session(engine) as session:
        favorites = Favorites(session, Files(session, LocalStorage(settings.data_dir)), maximum=3)
        top = favorites.tree(user)[0].id
        wanted = [NewNode(temp_id=n, parent_id=top, name=str(n), node_type=NodeType.FOLDER) for n in range(4)]

        with pytest.raises(FavoritesFull):
            favorites.add_all(user, wanted)

        assert set(favorites.add_all(user, wanted[:3])) == {0, 1, 2}
