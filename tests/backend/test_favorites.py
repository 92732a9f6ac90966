"""v1's favourites, one at a time, on both stacks."""

from collections.abc import Collection
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from backend.services.favorite_tree import NodeType
from backend.services.favorites import Favorites
from backend.services.files import Files, OwnFile
from backend.services.new_favorites import NewNode
from shared import db
from shared.errors import FavoritesFull, Invalid
from shared.models import Favorite, Task, Upload
from shared.settings import Settings
from shared.storage import LocalStorage
from tests.backend.conftest import Person
from tests.backend.favorites import (
    PATH,
    add,
    add_upload,
    added,
    assert_sound,
    change,
    code,
    is_favorite,
    make_results,
    names,
    nodes,
    remove,
    root,
)
from tests.orders import add_user

HUGE = 99999999999999999999999


def chain(person: Person, parent: int, length: int) -> list[int]:
    """Folders, each in the one before."""
    ids = [parent]
    for number in range(length):
        ids.append(added(person, ids[-1], f"level {number}"))
    return ids[1:]


def folder(parent_id: int, name: str) -> NewNode:
    return NewNode(parent_id=parent_id, name=name, node_type=NodeType.FOLDER)


def test_whoever_has_nothing_yet_has_a_root(alice: Person) -> None:
    body = alice.call("GET", PATH).get_json()

    assert (body["code"], body["message"]) == (200, "成功获取收藏夹列表")
    [only] = body["data"]
    assert only == {"id": only["id"], "parent_id": None, "name": "/", "node_type": "folder"}


def test_the_root_stays_the_same_and_is_everybodys_own(alice: Person, bob: Person) -> None:
    first, again, others = root(alice), root(alice), root(bob)

    assert first == again != others


def test_a_file_is_added_as_documented(alice: Person, engine: Engine) -> None:
    [url] = make_results(alice, engine)
    parent = root(alice)

    body = add(alice, parent, "man.png", url).get_json()

    assert (body["code"], body["message"]) == (200, "成功创建新收藏内容")
    node = {"id": body["data"]["id"], "parent_id": parent, "name": "man.png", "node_type": "file", "refer_url": url}
    assert nodes(alice)[1:] == [node]
    assert_sound(engine)


def test_parents_come_before_their_children_whatever_is_older(alice: Person) -> None:
    top = root(alice)
    child, parent = added(alice, top, "child"), added(alice, top, "parent")
    change(alice, child, parent_id=parent)

    listed = nodes(alice)

    assert [(node["id"], node["parent_id"]) for node in listed] == [(top, None), (parent, top), (child, parent)]


@pytest.mark.parametrize("form", ["{url}", "http://localhost{url}", "{url}?expires=1&signature=x", "{url}#here"])
def test_any_form_of_a_url_is_the_same_favorite(alice: Person, engine: Engine, form: str) -> None:
    [url] = make_results(alice, engine)
    top = root(alice)

    first = add(alice, top, "one", form.format(url=url))
    again = add(alice, top, "two", url)

    assert (first.status_code, again.status_code) == (200, 409)
    assert (again.get_json()["error"]["code"], code(again)) == ("already_favorite", "already_favorite")
    assert nodes(alice)[1]["refer_url"] == url


def test_an_upload_that_is_a_favorite_is_kept(alice: Person, engine: Engine) -> None:
    file_id = add_upload(engine, "alice")

    added(alice, root(alice), "by id", file_id)

    assert nodes(alice)[1]["refer_url"] == f"/generated_outputs/{file_id}.png"
    with Session(engine) as session:
        assert session.scalars(select(Upload.used_at)).one() is not None


def test_a_task_is_a_favorite_for_as_long_as_one_of_its_results_is(alice: Person, engine: Engine) -> None:
    first, second = make_results(alice, engine, count=2)
    top = root(alice)

    seen = [is_favorite(alice, first)]
    one, two = added(alice, top, "one", first), added(alice, top, "two", second)
    seen.append(is_favorite(alice, first))
    remove(alice, one)
    seen.append(is_favorite(alice, first))
    remove(alice, two)
    seen.append(is_favorite(alice, first))

    assert seen == [False, True, True, False]


def test_a_client_that_knows_the_task_hears_that_it_became_a_favorite(alice: Person, engine: Engine) -> None:
    [url] = make_results(alice, engine)
    task = "/api/v1/generation/" + url.removeprefix("/generated_outputs/").removesuffix(".png")
    tag = alice.call("GET", task).headers["ETag"]
    added(alice, root(alice), "one", url)

    response = alice.call("GET", task, headers={"If-None-Match": tag})

    assert (response.status_code, response.get_json()["data"]["favorite"]) == (200, True)


@pytest.mark.parametrize("name", ["a b", "..", "圆😀", "x" * 255, "😀" * 255, "'; DROP TABLE favorites; --", "a%_\\"])
def test_any_visible_text_is_a_name(alice: Person, name: str) -> None:
    added(alice, root(alice), name)

    assert names(alice) == ["/", name]


def test_names_are_the_same_only_where_they_are_exactly_the_same(alice: Person) -> None:
    top = root(alice)
    inner = added(alice, top, "a")

    differing = [add(alice, top, name).status_code for name in ("A", "á", "a\u0301", "ａ")]
    elsewhere = add(alice, inner, "a")
    same = add(alice, top, "a")

    assert differing == [200, 200, 200, 200]
    assert elsewhere.status_code == 200
    assert (same.status_code, same.get_json()["error"]["code"]) == (409, "name_taken")
    assert same.get_json()["error"]["fields"][0]["field"] == "name"


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # nothing of this is written to a database
@pytest.mark.parametrize(
    ("field", "reason", "body"),
    [
        ("name", "bad_name", {"name": " "}),
        ("name", "bad_name", {"name": " a"}),
        ("name", "bad_name", {"name": "a\u3000"}),
        ("name", "bad_name", {"name": "/"}),
        ("name", "bad_name", {"name": "a/b"}),
        ("name", "bad_name", {"name": "a\0b"}),
        ("name", "bad_name", {"name": "a\nb"}),
        ("name", "bad_name", {"name": "a\u2028b"}),
        ("name", "string_too_short", {"name": ""}),
        ("name", "string_too_long", {"name": "x" * 256}),
        ("name", "string_too_long", {"name": "x" * 1_000_000}),
        ("name", "string_type", {"name": None}),
        ("name", "string_type", {"name": 5}),
        ("parent_id", "unknown_parent", {"parent_id": 2**63 - 1}),
        ("parent_id", "less_than", {"parent_id": 2**63}),
        ("parent_id", "greater_than_equal", {"parent_id": 0}),
        ("parent_id", "greater_than_equal", {"parent_id": -1}),
        ("parent_id", "int_type", {"parent_id": "1"}),
        ("parent_id", "int_type", {"parent_id": None}),
        ("parent_id", "int_type", {"parent_id": True}),
        ("parent_id", "int_type", {"parent_id": 1.0}),
        ("node_type", "enum", {"node_type": "link"}),
        ("node_type", "enum", {"node_type": None}),
        ("refer_url", "url_required", {"node_type": "file"}),
        ("refer_url", "url_required", {"node_type": "file", "refer_url": None}),
        ("refer_url", "url_unexpected", {"refer_url": "/generated_outputs/c.png"}),
        ("refer_url", "unknown_url", {"node_type": "file", "refer_url": "/outputs/c.png"}),
        ("refer_url", "unknown_url", {"node_type": "file", "refer_url": "https://example.com/c.png"}),
        ("refer_url", "unknown_url", {"node_type": "file", "refer_url": "http://["}),
        ("refer_url", "unknown_url", {"node_type": "file", "refer_url": "ref_" + "0" * 20}),
        ("refer_url", "unknown_url", {"node_type": "file", "refer_url": "/generated_outputs/../x"}),
        ("refer_url", "unknown_url", {"node_type": "file", "refer_url": "/generated_outputs/a\0.png"}),
        ("refer_url", "string_too_short", {"node_type": "file", "refer_url": ""}),
        ("refer_url", "string_too_long", {"node_type": "file", "refer_url": "/" * 2049}),
        ("refer_url", "string_type", {"node_type": "file", "refer_url": ["a"]}),
        ("id", "extra_forbidden", {"id": 1}),
        ("parent_temp_id", "extra_forbidden", {"parent_temp_id": 1}),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_what_cannot_be_added_is_refused_by_field(alice: Person, field: str, reason: str, body: dict[str, Any]) -> None:
    response = alice.call("POST", PATH, json={"parent_id": root(alice), "name": "a", "node_type": "folder", **body})

    assert response.status_code == 400
    assert [(p["field"], p["code"]) for p in response.get_json()["error"]["fields"]] == [(field, reason)]
    assert names(alice) == ["/"]


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # nothing of this is written to a database
@pytest.mark.parametrize("missing", ["parent_id", "name", "node_type"])
def test_what_every_node_has_is_required(alice: Person, missing: str) -> None:
    body = {"parent_id": root(alice), "name": "a", "node_type": "folder"}
    del body[missing]

    response = alice.call("POST", PATH, json=body)

    assert (response.status_code, code(response)) == (400, "missing")


def test_somebody_elses_parent_and_file_are_like_unknown_ones(alice: Person, bob: Person, engine: Engine) -> None:
    [url] = make_results(bob, engine)
    upload = add_upload(engine, "bobby")
    mine, others = root(alice), root(bob)

    answers = [add(alice, parent, "a").get_json() for parent in (others, 2**62)]
    files = [code(add(alice, mine, "a", file)) for file in (url, upload)]

    assert answers[0] == answers[1]
    assert answers[0]["error"]["fields"][0]["code"] == "unknown_parent"
    assert files == ["unknown_url", "unknown_url"]


def test_nothing_can_be_in_a_file(alice: Person, engine: Engine) -> None:
    top = root(alice)
    file = added(alice, top, "file", make_results(alice, engine)[0])
    inner = added(alice, top, "folder")

    assert code(add(alice, file, "a")) == code(change(alice, inner, parent_id=file)) == "parent_not_folder"


def test_a_node_is_renamed_and_moved(alice: Person, engine: Engine) -> None:
    top, [url] = root(alice), make_results(alice, engine)
    home, file = added(alice, top, "home"), added(alice, top, "file", url)

    renamed = change(alice, file, name="new").get_json()
    moved = change(alice, file, parent_id=home).get_json()["data"]
    both = change(alice, file, parent_id=top, name="file").get_json()["data"]

    assert (renamed["code"], renamed["message"]) == (200, "成功修改收藏夹内容")
    node = {"id": file, "parent_id": top, "name": "new", "node_type": "file", "refer_url": url}
    assert renamed["data"] == node
    assert (moved["parent_id"], moved["name"]) == (home, "new")
    assert (both["parent_id"], both["name"]) == (top, "file")
    assert nodes(alice)[2] == both


def test_a_change_to_what_is_so_already_is_fine(alice: Person) -> None:
    top = root(alice)
    node = added(alice, top, "a")

    assert change(alice, node, name="a", parent_id=top).status_code == 200


def test_a_change_never_takes_a_taken_name(alice: Person) -> None:
    top = root(alice)
    home, first = added(alice, top, "home"), added(alice, top, "a")
    second = added(alice, home, "a")

    answers = [
        change(alice, first, parent_id=home),
        change(alice, second, parent_id=top),
        change(alice, home, name="a"),
    ]

    assert [answer.get_json()["error"]["code"] for answer in answers] == ["name_taken"] * 3


def test_a_folder_is_never_moved_into_itself(alice: Person) -> None:
    outer, middle, inner = chain(alice, root(alice), 3)

    refused = [code(change(alice, outer, parent_id=target)) for target in (outer, middle, inner)]

    assert refused == ["cycle", "cycle", "cycle"]


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # nothing of this is written to a database
@pytest.mark.parametrize(
    ("reason", "body"),
    [
        ("nothing_to_change", {}),
        ("nothing_to_change", {"name": None, "parent_id": None}),
        ("bad_name", {"name": "a/b"}),
        ("string_too_short", {"name": ""}),
        ("string_too_long", {"name": "x" * 1_000_000}),
        ("string_type", {"name": 1}),
        ("unknown_parent", {"parent_id": 2**62}),
        ("less_than", {"parent_id": HUGE}),
        ("int_type", {"parent_id": "1"}),
        ("extra_forbidden", {"node_type": "file"}),
        ("extra_forbidden", {"refer_url": "/generated_outputs/c.png"}),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_what_cannot_be_changed_is_refused(alice: Person, reason: str, body: dict[str, Any]) -> None:
    node = added(alice, root(alice), "a")

    response = change(alice, node, **body)

    assert (response.status_code, code(response)) == (400, reason)
    assert names(alice) == ["/", "a"]


def test_the_root_is_neither_renamed_nor_moved(alice: Person) -> None:
    top = root(alice)
    home = added(alice, top, "home")

    refused = [code(change(alice, top, name="b")), code(change(alice, top, parent_id=home))]

    assert refused == ["root_fixed", "root_fixed"]


@pytest.mark.parametrize("act", [remove, lambda person, node: change(person, node, name="b")], ids=["DELETE", "PATCH"])
def test_somebody_elses_node_is_like_one_that_does_not_exist(alice: Person, bob: Person, act: Any) -> None:
    others = added(bob, root(bob), "a")
    ids = [others, root(bob), 0, 2**62, 2**63, HUGE, "9" * 4000]

    answers = [act(alice, node) for node in ids]

    assert {answer.status_code for answer in answers} == {404}
    assert all(answer.get_json() == answers[0].get_json() for answer in answers)
    assert names(bob) == ["/", "a"]


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # nothing of this is written to a database
@pytest.mark.parametrize("act", [remove, lambda person, node: change(person, node, name="b")], ids=["DELETE", "PATCH"])
@pytest.mark.parametrize("node", ["x", "-1", "1.5", "%00", "1%20", "'"])
def test_what_is_no_id_is_not_found(alice: Person, act: Any, node: str) -> None:
    assert act(alice, node).status_code == 404


def test_removing_takes_along_all_that_is_below_and_tells_it(alice: Person, engine: Engine) -> None:
    top, [url] = root(alice), make_results(alice, engine)
    outer, inner = chain(alice, top, 2)
    file, beside = added(alice, inner, "file", url), added(alice, top, "beside")

    body = remove(alice, outer).get_json()

    assert (body["code"], body["message"]) == (200, "删除收藏夹内容成功")
    gone = [{"id": outer, "name": "level 0"}, {"id": inner, "name": "level 1"}, {"id": file, "name": "file"}]
    assert body["data"] == gone
    assert [node["id"] for node in nodes(alice)] == [top, beside]
    assert not is_favorite(alice, url)
    assert remove(alice, inner).status_code == 404


def test_removing_the_root_empties_it(alice: Person, engine: Engine) -> None:
    top = root(alice)
    file = added(alice, top, "man.png", make_results(alice, engine)[0])

    told = remove(alice, top).get_json()["data"]

    assert told == [{"id": top, "name": "/"}, {"id": file, "name": "man.png"}]
    assert [(node["id"], node["name"]) for node in nodes(alice)] == [(top, "/")]
    assert_sound(engine)


def test_a_removed_file_can_be_added_again(alice: Person, engine: Engine) -> None:
    top, [url] = root(alice), make_results(alice, engine)
    remove(alice, added(alice, top, "a", url))

    assert add(alice, top, "a", url).status_code == 200


def test_no_node_is_deeper_than_64_levels(alice: Person, engine: Engine) -> None:
    top = root(alice)
    levels = chain(alice, top, 64)
    home, _ = chain(alice, added(alice, top, "other"), 2)

    refused = [add(alice, levels[63], "a"), change(alice, home, parent_id=levels[62])]
    taken = change(alice, home, parent_id=levels[61])
    gone = remove(alice, levels[0]).get_json()["data"]

    assert [code(answer) for answer in refused] == ["too_deep", "too_deep"]
    assert refused[0].get_json()["error"]["fields"][0]["field"] == "parent_id"
    assert taken.status_code == 200
    assert len(gone) == 66
    assert_sound(engine)


def test_there_is_a_most_that_one_user_may_have(engine: Engine, settings: Settings) -> None:
    user, other = add_user(engine), add_user(engine)
    with Session(engine) as session:
        favorites = Favorites(session, Files(session, LocalStorage(settings.data_dir)), maximum=2)
        tops = {someone: favorites.tree(someone)[0].id for someone in (user, other)}
        for name in "ab":
            favorites.add(user, folder(tops[user], name))

        with pytest.raises(FavoritesFull):
            favorites.add(user, folder(tops[user], "c"))

        assert len(favorites.tree(user)) == 3
        assert favorites.add(other, folder(tops[other], "a"))


class Vanishing(Files):
    """Finds files whose rows go before anybody can use them."""

    def __init__(self, **row: int) -> None:
        self._row = row

    def refer_all(self, user_id: int, texts: Collection[str]) -> dict[str, OwnFile]:
        return {text: OwnFile(text, "k", "image/png", 1, "0", 8, 8, **self._row) for text in texts}


@pytest.mark.parametrize("row", [{"task_id": 2**62}, {"upload_id": 2**62}], ids=["task", "upload"])
def test_a_file_that_goes_while_it_is_added_is_unknown(engine: Engine, row: dict[str, int]) -> None:
    user = add_user(engine)
    with Session(engine) as session:
        favorites = Favorites(session, Vanishing(**row), maximum=9)
        top = favorites.tree(user)[0].id
        file = NewNode(parent_id=top, name="a", node_type=NodeType.FILE, refer_url="a")

        with pytest.raises(Invalid, match="unknown_url"):
            favorites.add(user, file)

        assert len(favorites.tree(user)) == 1


@pytest.mark.parametrize("kept", [True, False], ids=["committed", "rolled back"])
def test_a_deleted_task_takes_its_favorites_along(
    alice: Person, engine: Engine, settings: Settings, kept: bool
) -> None:
    (first, second), [other] = make_results(alice, engine, count=2), make_results(alice, engine)
    top = root(alice)
    home = added(alice, top, "home")
    for parent, name, url in ((top, "first", first), (home, "second", second), (top, "other", other)):
        added(alice, parent, name, url)

    with Session(engine) as session:
        task = session.scalars(select(Task).join(Favorite).where(Favorite.refer_url == first)).one()
        user_id, task_id = task.user_id, task.id
        with db.writing(session):
            Favorites(session, Files(session, LocalStorage(settings.data_dir)), 9).forget_task(user_id, task_id)
            if not kept:
                session.rollback()

    assert set(names(alice)) == ({"/", "home", "other"} if kept else {"/", "home", "first", "second", "other"})
    assert (is_favorite(alice, first), is_favorite(alice, other)) == (not kept, True)
    assert_sound(engine)
