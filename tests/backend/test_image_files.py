"""Generated pictures by the image contract's urls: to their owner only, or by a signed url."""

from typing import Any

import pytest
from sqlalchemy import Engine

from shared.claims import Claims
from shared.settings import Settings
from tests.backend.conftest import Person
from tests.backend.image import ENGLISH, refusal
from tests.backend.made import DATA, LINKS, THUMBNAIL, Made, make
from tests.backend.records import id_of

FOLDER = "/api/uploads/generated_images"


@pytest.fixture
def made(alice: Person, worker: Claims, settings: Settings) -> Made:
    return make(alice, worker, settings)


@pytest.fixture
def record(alice: Person, made: Made) -> dict[str, Any]:
    """As the history has it."""
    [found] = alice.call("GET", "/api/v1/images/history").get_json()["data"]["records"]
    return dict(found)


def test_the_owner_gets_the_picture_and_its_thumbnail(alice: Person, record: dict[str, Any]) -> None:
    picture = alice.call("GET", record["imageUrl"])
    thumbnail = alice.call("GET", record["thumbnailUrl"])

    assert (picture.status_code, picture.data, picture.mimetype) == (200, DATA, "image/png")
    assert (thumbnail.status_code, thumbnail.data, thumbnail.mimetype) == (200, THUMBNAIL, "image/webp")
    assert picture.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert picture.headers["X-Content-Type-Options"] == "nosniff"


def test_it_is_the_file_that_v1_gives(alice: Person, record: dict[str, Any], made: Made) -> None:
    here, there = alice.call("GET", record["imageUrl"]), alice.call("GET", made.picture.url)

    assert (here.data, here.headers["ETag"]) == (there.data, there.headers["ETag"])


@pytest.mark.parametrize("name", ["signedUrl", "signedThumbnailUrl"])
def test_a_signed_url_needs_no_token(alice: Person, record: dict[str, Any], name: str) -> None:
    assert alice.client.get(record[name], buffered=True).status_code == 200


def test_without_token_and_signature_nobody_gets_it(alice: Person, record: dict[str, Any]) -> None:
    assert refusal(alice.client.get(record["imageUrl"])) == (401, "", "token_missing")


@pytest.mark.parametrize(("headers", "message"), [({}, "禁止访问"), (ENGLISH, "Access denied")], ids=["zh", "en"])
def test_the_folder_of_another_is_403_whether_the_file_exists_or_not(
    bob: Person, record: dict[str, Any], headers: Any, message: str
) -> None:
    folder = record["imageUrl"].rpartition("/")[0]

    existing = bob.call("GET", record["imageUrl"], headers=headers)
    missing = bob.call("GET", f"{folder}/task_{'0' * 20}.png", headers=headers)

    assert refusal(existing) == (403, "", "forbidden")
    assert existing.get_json()["message"] == message
    assert (missing.status_code, missing.get_json()) == (403, existing.get_json())


def test_anothers_file_is_not_in_ones_own_folder(bob: Person, engine: Engine, made: Made) -> None:
    response = bob.call("GET", f"{FOLDER}/{id_of(engine, bob)}/{made.picture.name}")

    assert refusal(response) == (404, "", "not_found")


def test_the_folder_of_nobody_is_403(alice: Person, made: Made) -> None:
    assert refusal(alice.call("GET", f"{FOLDER}/{2**63 - 1}/{made.picture.name}")) == (403, "", "forbidden")


def test_a_signature_does_not_move_a_file_into_another_folder(
    alice: Person, bob: Person, engine: Engine, made: Made
) -> None:
    url = f"{FOLDER}/{id_of(engine, bob)}/{made.picture.name}?{LINKS.sign(made.picture.name)}"

    assert refusal(alice.client.get(url)) == (404, "", "not_found")


def test_a_signature_is_of_one_name(alice: Person, engine: Engine, made: Made) -> None:
    url = f"{FOLDER}/{id_of(engine, alice)}/{made.thumbnail.name}?{LINKS.sign(made.picture.name)}"

    assert refusal(alice.client.get(url)) == (401, "", "link_invalid")


@pytest.mark.parametrize(
    "name",
    [
        f"task_{'0' * 20}.png",
        "nothing",
        "..%2f..%2fdarkroom.db",
        "%2e%2e/%2e%2e/darkroom.db",
        "a\0b.png",
        "😀.png",
        "' OR 1=1 --",
        "x" * 5000,
    ],
    ids=lambda name: name[:20],
)
def test_an_unknown_name_of_ones_own_is_404(alice: Person, engine: Engine, name: str) -> None:
    assert refusal(alice.call("GET", f"{FOLDER}/{id_of(engine, alice)}/{name}")) == (404, "", "not_found")


@pytest.mark.parametrize(
    "folder", ["x", "-1", "1.5", "9" * 30, "9" * 5000, str(2**63), "%00", "1%20OR%201=1"], ids=lambda name: name[:20]
)
def test_what_is_no_users_number_is_404(alice: Person, made: Made, folder: str) -> None:
    assert refusal(alice.call("GET", f"{FOLDER}/{folder}/{made.picture.name}")) == (404, "", "not_found")


def test_a_part_can_be_asked_for_and_the_file_be_saved(alice: Person, record: dict[str, Any]) -> None:
    part = alice.call("GET", record["imageUrl"], headers={"Range": "bytes=1-3"})
    whole = alice.call("GET", f"{record['imageUrl']}?download=true")

    assert (part.status_code, part.data) == (206, b"PNG")
    assert whole.headers["Content-Disposition"].startswith("attachment; ")


def test_a_deleted_record_has_no_file(alice: Person, record: dict[str, Any]) -> None:
    alice.call("POST", "/api/v1/user/generation_list", json={"task_id": record["taskId"]})

    assert alice.call("GET", record["imageUrl"]).status_code == 404
    assert alice.client.get(record["signedUrl"]).status_code == 404
