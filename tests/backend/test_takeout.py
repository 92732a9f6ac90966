"""Everything that a user has, as a zip with a manifest: all of it, nothing of others, and as it really is."""

import hashlib
import io
import json
from collections.abc import Iterator
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import pytest
from flask import Flask
from redis.exceptions import ConnectionError
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from backend.services import takeout_contents
from backend.services.takeout_turns import TakeOutTurns
from shared import db
from shared.errors import TakeoutRunning, Unavailable
from shared.models import TrashItem
from shared.progress import redis_client
from shared.room import Room
from shared.settings import Settings
from shared.storage import LocalStorage
from shared.trash import GIVEN_UP
from tests.backend.conftest import Person
from tests.backend.records import id_of
from tests.belongings import API_KEY, AVATAR, PICTURE, REFERENCE, Belongings, fill

PATH = "/api/v1/user/takeout"
OF_SQLITE = pytest.mark.parametrize("stack", ["sqlite"], indirect=True)


@pytest.fixture
def storage(settings: Settings) -> LocalStorage:
    return LocalStorage(settings.data_dir / "files")


@pytest.fixture
def hers(alice: Person, engine: Engine, storage: LocalStorage) -> Belongings:
    return fill(engine, storage, id_of(engine, alice))


def take_out(person: Person) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The manifest, and the files by their paths."""
    response = person.call("GET", PATH)
    assert (response.status_code, response.mimetype) == (200, "application/zip")
    with ZipFile(io.BytesIO(response.data)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        files = {name: archive.read(name) for name in names}
        stored = {name for name in names if archive.getinfo(name).compress_type == ZIP_STORED}
    assert (names[-1], stored) == ("manifest.json", set(names) - {"manifest.json"})
    return json.loads(files.pop("manifest.json")), files


def listed(manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What the manifest says of each file."""
    yield from manifest["avatar"]
    yield from (upload["file"] for upload in manifest["uploads"])
    yield from (result["file"] for task in manifest["tasks"] for result in task["results"])


def test_it_holds_everything_with_checksums_and_nothing_of_others(
    alice: Person, bob: Person, engine: Engine, storage: LocalStorage, hers: Belongings
) -> None:
    his = fill(engine, storage, id_of(engine, bob))

    manifest, files = take_out(alice)

    tasks = {task["task_id"]: task for task in manifest["tasks"]}
    assert set(tasks) == {hers.done, hers.binned, hers.cancelled}
    assert sorted(files.values()) == sorted([AVATAR, REFERENCE, PICTURE, PICTURE])
    said = {file["path"]: (file["bytes"], file["sha256"]) for file in listed(manifest)}
    assert said == {path: (len(data), hashlib.sha256(data).hexdigest()) for path, data in files.items()}
    assert (manifest["files"], manifest["errors"]) == (4, [])
    assert (manifest["account"]["username"], manifest["account"]["email"]) == ("alice", "alice@example.com")
    assert [node["name"] for node in manifest["favorites"]] == ["/", "circles", "red.png"]
    assert [item["task_id"] for item in manifest["trash"]] == [hers.binned]
    assert [node["name"] for node in manifest["trashed_favorites"]] == ["gone"]
    assert not any(name in json.dumps([manifest, *files]) for name in (his.done, his.upload, "bobby"))


@OF_SQLITE
def test_a_task_is_told_with_parameters_times_and_references_under_a_readable_name(
    alice: Person, hers: Belongings
) -> None:
    manifest, files = take_out(alice)

    done, binned, cancelled = manifest["tasks"]
    assert (done["prompt"], done["parameters"]["seed"], done["images"]) == ("a red circle", 7, [hers.upload])
    assert (done["status"], cancelled["status"], cancelled["results"]) == ("completed", "cancelled", [])
    assert done["created_at"] <= done["finished_at"]
    assert (done["deleted_at"], bool(binned["deleted_at"])) == (None, True)
    day = done["created_at"][:10]
    assert f"results/{day}_a-red-circle_{hers.done}.png" in files
    assert f"trash/{day}_图-two-three_{hers.binned}.png" in files


@OF_SQLITE
def test_provider_keys_are_named_without_the_key(alice: Person, hers: Belongings) -> None:
    data = alice.call("GET", PATH).data

    with ZipFile(io.BytesIO(data)) as archive:
        manifest = archive.read("manifest.json").decode()
    [key] = json.loads(manifest)["provider_keys"]
    assert (key["api_name"], key["base_url"], key["key"]) == ("mine", "https://example.com", "…cret")
    assert API_KEY not in manifest


@OF_SQLITE
def test_what_was_emptied_from_the_trash_is_not_in_it(alice: Person, engine: Engine, hers: Belongings) -> None:
    with db.write(engine) as connection:
        connection.execute(TrashItem.__table__.update().values(deleted_at=GIVEN_UP))

    manifest, files = take_out(alice)

    assert ([task["task_id"] for task in manifest["tasks"]], manifest["trash"]) == ([hers.done, hers.cancelled], [])
    assert not any(path.startswith("trash/") for path in files)


@OF_SQLITE
def test_a_file_that_has_gone_or_changed_is_named_and_breaks_nothing(
    alice: Person, storage: LocalStorage, hers: Belongings
) -> None:
    storage.delete(hers.files[0])
    storage.save(hers.files[2], b"something else")

    manifest, files = take_out(alice)

    gone, changed = manifest["errors"]
    assert (gone["error"], gone["path"].endswith(f"{hers.done}.png")) == ("missing", True)
    assert (changed["error"], files[changed["path"]]) == ("changed", b"something else")
    assert manifest["tasks"][0]["results"][0]["file"] == {"path": None, "bytes": 0, "sha256": None}
    assert manifest["files"] == len(files) == 3


@OF_SQLITE
def test_page_after_page_is_read(
    alice: Person, engine: Engine, hers: Belongings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takeout_contents, "PAGE", 1)

    manifest, files = take_out(alice)

    assert (len(manifest["tasks"]), len(manifest["favorites"]), len(files)) == (3, 3, 4)


def begun(person: Person) -> TestResponse:
    """One of which only the first piece was taken."""
    response = person.client.get(PATH, headers={"Authorization": f"Bearer {person.token}"}, buffered=False)
    next(response.iter_encoded())
    return response


@OF_SQLITE
def test_one_user_fetches_one_at_a_time(alice: Person, bob: Person, hers: Belongings) -> None:
    first = begun(alice)
    again, others = alice.call("GET", PATH), bob.call("GET", PATH)
    first.close()

    assert (again.status_code, again.get_json()["error"]["code"]) == (429, "takeout_running")
    assert int(again.headers["Retry-After"]) > 0
    assert others.status_code == 200
    assert alice.call("GET", PATH).status_code == 200


@OF_SQLITE
def test_while_a_client_takes_its_time_no_connection_is_held(app: Flask, alice: Person, hers: Belongings) -> None:
    reads = app.extensions["darkroom"].reads

    first = begun(alice)
    for kept in iter(reads._idle.spare, None):  # which are there for anybody
        kept.close()
    held = reads._engine.pool.checkedout()
    first.close()

    assert held == 0


@OF_SQLITE
def test_slow_ones_take_only_some_places_of_a_process(settings: Settings) -> None:
    turns = TakeOutTurns(redis_client(settings.redis_url), Room(1, 0))

    with turns.turn(1), pytest.raises(Unavailable), turns.turn(2):
        pass
    with turns.turn(2) as renew, pytest.raises(TakeoutRunning), turns.turn(2):
        renew()


@OF_SQLITE
def test_a_turn_is_kept_by_who_goes_on_and_lost_by_who_does_not(settings: Settings) -> None:
    redis, ticks = redis_client(settings.redis_url), iter([0.0, 10.0, 40.0, 40.0])
    turns = TakeOutTurns(redis, Room(2, 0), lambda: next(ticks))

    with turns.turn(7) as renew:
        redis.expire("darkroom:takeout:7", 5)
        renew()
        before = redis.ttl("darkroom:takeout:7")
        renew()
        after = redis.ttl("darkroom:takeout:7")
        redis.set("darkroom:takeout:7", "somebody else's")

    assert (before <= 5, after > 200) == (True, True)
    assert redis.get("darkroom:takeout:7") == "somebody else's"
    redis.delete("darkroom:takeout:7")


class NoRedis:
    """One that is away."""

    def set(self, *_: Any, **__: Any) -> None:
        raise ConnectionError

    eval = set


def test_without_the_broker_only_the_places_count() -> None:
    turns = TakeOutTurns(NoRedis(), Room(1, 0))  # type: ignore[arg-type]

    with turns.turn(1), pytest.raises(Unavailable), turns.turn(1):
        pass


@OF_SQLITE
def test_it_comes_from_a_bucket_too(app: Flask, alice: Person, engine: Engine, bucket: Any) -> None:
    object.__setattr__(app.extensions["darkroom"], "storage", bucket)
    fill(engine, bucket, id_of(engine, alice))

    manifest, files = take_out(alice)

    assert (len(files), manifest["errors"]) == (4, [])
