"""Files in a bucket: who may have one is sent to the storage with a link, or gets it from the service."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared import object_storage
from shared.claims import Claims
from shared.storage import Storage, storage_of
from tests.backend.conftest import Person
from tests.backend.image import PNG, avatar_url, picture, register
from tests.backend.made import DATA, Made, complete
from tests.object_store import BUCKET, SECRET, ObjectStore
from tests.servers import free_port

pytestmark = pytest.mark.parametrize("stack", ["sqlite"], indirect=True)

Use = Callable[[Storage], None]


@pytest.fixture
def use(app: Flask) -> Iterator[Use]:
    """Lets the service have another storage until the test ends."""
    resources = app.extensions["darkroom"]
    yield lambda storage: app.extensions.update(darkroom=replace(resources, storage=storage))
    app.extensions["darkroom"] = resources


@pytest.fixture
def made(alice: Person, worker: Claims, use: Use, bucket: Storage) -> Made:
    """A finished task's files in the bucket, where links lead to."""
    use(bucket)
    return complete(alice, worker, bucket)


@pytest.fixture
def streamed(made: Made, s3: ObjectStore, use: Use) -> str:
    """The url of such a file that the service sends itself."""
    use(storage_of(s3.settings(s3_redirect=False)))
    return made.picture.url


@pytest.fixture
def away(s3: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Storage:
    monkeypatch.setattr(object_storage, "ATTEMPTS", 1)  # it waits between them
    return storage_of(s3.settings(s3_endpoint_url=f"http://127.0.0.1:{free_port()}", s3_redirect=False))


@pytest.mark.parametrize(("query", "disposition"), [("", "inline"), ("?download=1", "attachment")])
def test_the_owner_is_sent_to_the_storage(
    alice: Person, made: Made, s3: ObjectStore, query: str, disposition: str
) -> None:
    response = alice.call("GET", made.picture.url + query)

    answer = s3.ask("GET", response.headers["Location"])
    assert (response.status_code, response.data) == (302, b"")
    assert (answer.status, answer.data, answer.headers["content-type"]) == (200, DATA, "image/png")
    assert answer.headers["content-disposition"] == f'{disposition}; filename="{made.picture.name}"'
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert SECRET not in str(response.headers)


def test_a_browser_asks_again_before_the_link_ends(alice: Person, made: Made) -> None:
    response = alice.client.get(made.picture.signed)

    assert "X-Amz-Expires=3600&" in response.headers["Location"]
    assert response.headers["Cache-Control"] == "private, max-age=1800"
    assert "ETag" not in response.headers  # it would say that the old link is good for ever


def test_a_thumbnail_is_in_the_storage_too(alice: Person, made: Made, s3: ObjectStore) -> None:
    response = alice.client.get(made.thumbnail.signed)

    assert s3.ask("GET", response.headers["Location"]).headers["content-type"] == "image/webp"


def test_nobody_else_is_sent_there(alice: Person, bob: Person, made: Made) -> None:
    url = made.picture.url

    refusals = [bob.call("GET", url), alice.client.get(url), alice.client.get(f"{url}?expires=1&signature=x")]

    assert [response.status_code for response in refusals] == [404, 401, 401]
    assert not any("Location" in response.headers for response in refusals)


def test_the_head_of_a_file_comes_from_the_service(alice: Person, made: Made) -> None:
    response = alice.call("HEAD", made.picture.url)

    assert (response.status_code, response.content_length, response.mimetype) == (200, len(DATA), "image/png")


@pytest.mark.parametrize(
    ("headers", "status", "data"),
    [
        ({}, 200, DATA),
        ({"Range": "bytes=1-3"}, 206, b"PNG"),
        ({"Range": "bytes=-7"}, 206, DATA[-7:]),
        ({"Range": "bytes=5-"}, 206, DATA[5:]),
    ],
)
def test_the_service_can_send_a_file_or_its_parts(
    alice: Person, streamed: str, headers: dict[str, str], status: int, data: bytes
) -> None:
    response = alice.call("GET", streamed, headers=headers)

    assert (response.status_code, response.data, response.mimetype) == (status, data, "image/png")


def test_a_file_that_has_gone_is_not_found(alice: Person, streamed: str, bucket: Storage) -> None:
    for folder in bucket.folders():
        for file in bucket.files(folder):
            bucket.delete(file.key)

    assert alice.call("GET", streamed).status_code == 404


def test_while_the_storage_is_away_a_file_is_unavailable(alice: Person, made: Made, use: Use, away: Storage) -> None:
    use(away)

    response = alice.call("GET", made.picture.url)

    assert (response.status_code, response.get_json()["error"]["code"]) == (503, "unavailable")


def test_an_upload_is_put_into_the_bucket_and_fetched_from_it(
    alice: Person, use: Use, bucket: Storage, s3: ObjectStore
) -> None:
    use(bucket)

    sent = alice.call("POST", "/api/v1/upload", data=PNG, headers={"Content-Type": "image/png"}).get_json()["data"]
    response = alice.call("GET", sent["file_url"])

    answer = s3.ask("GET", response.headers["Location"])
    assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
    assert s3.ask("GET", f"/{BUCKET}?list-type=2&prefix=some/prefix/uploads/").data.count(b"<Key>") == 1


def test_an_avatar_is_for_every_cache(client: FlaskClient, use: Use, bucket: Storage, s3: ObjectStore) -> None:
    use(bucket)
    url = avatar_url(register(client, picture(PNG)))

    answer = s3.ask("GET", client.get(url).headers["Location"])

    assert (answer.status, answer.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")


def test_the_admins_page_shows_what_is_in_the_bucket(
    client: FlaskClient, use: Use, bucket: Storage, s3: ObjectStore
) -> None:
    before = client.get("/admin/login").headers["Content-Security-Policy"]
    use(bucket)
    after = client.get("/admin/login").headers["Content-Security-Policy"]

    assert "img-src 'self' ;" in before
    assert f"img-src 'self' {s3.url};" in after


def test_the_service_is_not_ready_without_its_bucket(
    client: FlaskClient, use: Use, bucket: Storage, away: Storage
) -> None:
    found = []
    for storage in (bucket, away):
        use(storage)
        answer: dict[str, Any] = client.get("/readyz").get_json()
        found.append(answer["checks"]["storage"])

    assert found == ["ok", "missing"]
