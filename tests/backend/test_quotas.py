"""How many bytes users have and may have, in every contract."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from backend.services.quotas import MEGABYTE, Quotas
from backend.wiring import services
from shared import db
from shared.claims import Claims
from shared.errors import QuotaExceeded
from shared.lifecycle import Status
from shared.settings import Settings
from shared.storage import LocalStorage
from tests.backend.admin import call, entries, of_user
from tests.backend.conftest import Person
from tests.backend.favorites import added, root
from tests.backend.image import FORM, picture, register
from tests.backend.records import add_records, delete, id_of
from tests.backend.trash import PATH, PICTURE, SMALL, add_record, ids, restore
from tests.drawings import corners, encoded
from tests.orders import result_entry, row

PNG = encoded(corners())
ENGLISH = {"Accept-Language": "en"}
SAID = "The storage quota does not allow this: 1000 of 1000 bytes are used, the trash included"
SQLITE = pytest.mark.parametrize("stack", ["sqlite"], indirect=True)


def upload(person: Person) -> TestResponse:
    return person.call("POST", "/api/v1/upload", data=PNG, content_type="image/png")


def usage(person: Person) -> dict[str, Any]:
    found: dict[str, Any] = person.call("GET", "/api/v1/user/usage").get_json()["data"]
    return found


def allow(admin: Person, person: Person, engine: Engine, quota: int | None) -> TestResponse:
    return call(admin, "PATCH", of_user(person, engine), json={"quota_bytes": quota})


@pytest.fixture
def full(alice: Person, admin: Person, engine: Engine) -> Person:
    """Somebody who has all the bytes that they may have."""
    add_records(engine, alice, {"bytes": 1000})
    allow(admin, alice, engine, 1000)
    return alice


V1 = {"code": 403, "message": SAID, "data": None, "error": {"code": "quota_exceeded", "fields": []}}
GIN = {"code": 403, "msg": SAID, "data": None, "error": SAID, "reason": "quota_exceeded", "fields": []}
IMAGE = {"status": "error", "message": SAID, "error": {"code": "quota_exceeded", "fields": []}}


@SQLITE
@pytest.mark.parametrize(
    ("path", "body", "answer"),
    [
        ("/api/v1/generation", {"json": {"type": "t2i", "prompt": "a"}}, V1),
        ("/api/v1/upload", {"data": PNG, "content_type": "image/png"}, V1),
        ("/auth/generate", {"json": {"prompt": "a"}}, GIN),
        ("/api/v1/images/generate-test", {"json": {"prompt": "a"}}, IMAGE),
    ],
)
def test_who_has_no_byte_left_is_refused_in_each_contracts_form(
    full: Person, path: str, body: dict[str, Any], answer: dict[str, Any]
) -> None:
    response = full.call("POST", path, headers=ENGLISH, **body)

    assert (response.status_code, response.get_json()) == (403, answer)


@SQLITE
def test_nothing_is_left_of_what_was_refused_and_a_cancelled_task_is_not_tried_again(
    alice: Person, admin: Person, engine: Engine, settings: Settings
) -> None:
    task = alice.submit().get_json()["data"]["task_id"]
    alice.call("DELETE", f"/api/v1/generation/{task}")
    add_records(engine, alice, {"bytes": 1000})
    allow(admin, alice, engine, 1000)

    upload(alice)
    response = alice.call("POST", f"/api/v1/generation/{task}/retry")

    assert response.get_json()["error"]["code"] == "quota_exceeded"
    assert row(engine, task).status == Status.CANCELLED
    assert [path for path in (settings.data_dir / "files").rglob("*") if path.is_file()] == []


def test_everything_is_counted_once(alice: Person, bob: Person, engine: Engine, settings: Settings) -> None:
    storage = LocalStorage(settings.data_dir / "files")
    [shown, binned] = (add_record(engine, storage, alice) for _ in range(2))
    add_record(engine, storage, bob)
    added(alice, added(alice, root(alice), "folder"), "cat", f"/generated_outputs/{shown}.png")
    size = upload(alice).get_json()["data"]["bytes"]
    delete(alice, task_id=binned)

    told = usage(alice)

    record = len(PICTURE) + len(SMALL)
    parts = {"results_bytes": record, "trash_bytes": record, "uploads_bytes": size, "avatar_bytes": 0}
    assert told == {**parts, "used_bytes": 2 * record + size, "quota_bytes": None, "records": 1, "favorites": 2}


@SQLITE
def test_an_avatar_counts_until_another_one_is_shown(client: FlaskClient, app: Flask, engine: Engine) -> None:
    register(client, picture(PNG))
    with app.app_context():
        carol = services().accounts.log_in(FORM["username"], FORM["password"])
        [before] = services().quotas.used([carol.id]).values()
        services().accounts.set_avatar(carol.id, "https://example.org/me.png")
        [after] = services().quotas.used([carol.id]).values()

    assert (before > 0, after) == (True, 0)


def test_the_trash_counts_until_it_is_emptied(alice: Person, admin: Person, engine: Engine) -> None:
    [first, second] = add_records(engine, alice, {"bytes": 600}, {"bytes": 400})
    allow(admin, alice, engine, 1000)
    delete(alice, task_id=first)
    delete(alice, task_id=second)
    refused = alice.submit().status_code
    restore(alice, ids(alice)[0])

    alice.call("DELETE", PATH)

    assert refused == 403
    assert (usage(alice)["trash_bytes"], usage(alice)["results_bytes"]) == (0, 400)
    assert alice.submit().status_code == 200


def test_what_runs_already_is_delivered_beyond_the_quota(
    alice: Person, admin: Person, engine: Engine, worker: Claims
) -> None:
    allow(admin, alice, engine, 1000)
    for _ in range(2):
        alice.submit()
    for claim in worker.claim("gpu", lambda _: 1) + worker.claim("gpu", lambda _: 1):
        small = result_entry("s.webp", data=b"s" * 100)
        assert worker.complete(claim, [result_entry(f"{claim.public_id}.png", data=b"x" * 900, thumbnail=small)])

    assert (usage(alice)["used_bytes"], alice.submit().status_code) == (2000, 403)


def test_uploads_fill_the_quota_to_the_last_byte_and_no_further(
    app: Flask, alice: Person, admin: Person, engine: Engine
) -> None:
    size = upload(alice).get_json()["data"]["bytes"]
    allow(admin, alice, engine, 3 * size)
    clients, barrier = [replace(alice, client=app.test_client()) for _ in range(4)], Barrier(4)

    def send(client: Person) -> int:
        barrier.wait()
        return upload(client).status_code

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, clients))

    assert sorted(answers) == [200, 200, 403, 403]
    assert usage(alice)["uploads_bytes"] == 3 * size


@SQLITE
@pytest.mark.parametrize(
    ("own", "megabytes", "refused"), [(None, 1, True), (None, 0, False), (0, 1, False), (2 * MEGABYTE, 1, False)]
)
def test_a_quota_of_ones_own_goes_before_the_settings_one(
    alice: Person, admin: Person, engine: Engine, own: int | None, megabytes: int, refused: bool
) -> None:
    add_records(engine, alice, {"bytes": MEGABYTE})
    allow(admin, alice, engine, own)

    with Session(engine) as session, db.writing(session):
        try:
            Quotas(session, megabytes).refuse_beyond(id_of(engine, alice), 1)
            met = False
        except QuotaExceeded:
            met = True

    assert met == refused


def test_administrators_see_bytes_and_set_quotas(full: Person, admin: Person, engine: Engine) -> None:
    users = call(admin, "GET", "/users").get_json()["data"]
    bad = [allow(admin, full, engine, quota).status_code for quota in (-1, "1", 10**16, True)]  # type: ignore[arg-type]

    told = {user["account"]: (user["bytes"], user["quota_bytes"]) for user in users}
    assert told == {"alice": (1000, 1000), "root": (0, None)}
    assert bad == [400] * 4
    assert entries(engine)[-1] == ("root", "user.change", "alice", {"quota_bytes": 1000})
