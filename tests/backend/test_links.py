"""The signed form of a file's url, and files that nginx sends."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, update

from backend.services.links import Links
from shared import db
from shared.claims import Claims
from shared.models import Task
from shared.settings import Settings
from tests.backend.conftest import Person
from tests.backend.made import DATA, LINKS, Made, make
from tests.conftest import SECRET


@pytest.fixture
def made(alice: Person, worker: Claims, settings: Settings) -> Made:
    return make(alice, worker, settings)


@pytest.fixture
def url(made: Made) -> str:
    """The result_url."""
    return made.picture.url


def test_a_task_tells_of_its_files_and_their_links(alice: Person, made: Made) -> None:
    body = alice.call("GET", f"/api/v1/generation/{made.task}").get_json()["data"]

    [result] = body["results"]
    assert (result["url"], result["signed_url"]) == (made.picture.url, made.picture.signed)
    assert result["thumbnail"] == {"url": made.thumbnail.url, "signed_url": made.thumbnail.signed}
    assert body["preview_url"] == made.thumbnail.signed


def refused(person: Person, url: str) -> tuple[int, str]:
    response = person.client.get(url, buffered=True)
    return response.status_code, response.get_json()["error"]["code"]


def test_a_link_opens_without_a_token(alice: Person, made: Made) -> None:
    response = alice.client.get(made.picture.signed, buffered=True)

    assert (response.status_code, response.data) == (200, DATA)


def test_a_link_knows_parts_and_tags(alice: Person, made: Made) -> None:
    part = alice.client.get(made.picture.signed, headers={"Range": "bytes=1-3"}, buffered=True)
    again = alice.client.get(made.picture.signed, headers={"If-None-Match": part.headers["ETag"]}, buffered=True)

    assert (part.status_code, part.data) == (206, b"PNG")
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("query", ["", "?expires=9999999999", "?signature="])
def test_a_link_without_its_parts_opens_nothing(alice: Person, url: str, query: str) -> None:
    assert alice.client.get(url + query).status_code == 401


@pytest.mark.parametrize(
    "forge",
    [
        lambda link: link[:-1] + ("0" if link[-1] != "0" else "1"),
        lambda link: link.replace("expires=", "expires=9"),
        lambda link: link.replace("expires=", "expires=-"),
        lambda link: link.replace("expires=", "expires=x"),
        lambda link: link.replace("expires=", "was="),
        lambda link: link[: link.index("signature=")] + "signature=" + "圆" * 64,
        lambda link: link[: link.index("signature=")] + "signature=" + "x" * 5000,
        lambda link: link[: link.index("signature=")] + "signature=%00",
    ],
)
def test_a_forged_link_opens_nothing(alice: Person, made: Made, forge: Any) -> None:
    assert refused(alice, forge(made.picture.signed)) == (401, "link_invalid")


def test_a_link_of_another_secret_opens_nothing(alice: Person, url: str) -> None:
    link = Links("another secret", 60).sign(url.split("/")[-1])

    assert refused(alice, f"{url}?{link}") == (401, "link_invalid")


def test_a_link_ends(alice: Person, url: str) -> None:
    link = Links(SECRET, 60, clock=lambda: 1_000_000).sign(url.split("/")[-1])

    assert refused(alice, f"{url}?{link}") == (401, "link_expired")


def test_a_link_of_one_name_opens_no_other(alice: Person, made: Made) -> None:
    link = made.picture.signed.split("?")[1]

    assert refused(alice, f"{made.thumbnail.url}?{link}") == (401, "link_invalid")


def test_a_link_that_is_no_good_is_not_made_good_by_a_token(alice: Person, url: str) -> None:
    assert alice.call("GET", f"{url}?expires=1&signature=x").status_code == 401


def test_a_link_of_a_name_that_never_was_finds_nothing(alice: Person) -> None:
    name = f"task_{'0' * 20}.png"

    assert refused(alice, f"/generated_outputs/{name}?{LINKS.sign(name)}") == (404, "not_found")


def test_a_deleted_record_takes_its_files_along(alice: Person, engine: Engine, made: Made) -> None:
    with db.write(engine) as connection:
        connection.execute(update(Task).values(deleted_at=datetime.now(UTC)))

    assert alice.call("GET", made.picture.url).status_code == 404
    assert refused(alice, made.picture.signed) == (404, "not_found")
    assert refused(alice, made.thumbnail.signed) == (404, "not_found")


@pytest.fixture
def behind_nginx(alice: Person) -> None:
    """nginx sends the files."""
    resources = alice.client.application.extensions["darkroom"]
    settings = resources.settings.model_copy(update={"accel_redirect": "/_files/"})
    object.__setattr__(resources, "settings", settings)


@pytest.mark.usefixtures("behind_nginx")
def test_nginx_is_told_which_file_to_send(alice: Person, made: Made) -> None:
    response = alice.client.get(made.picture.signed, buffered=True)

    assert (response.status_code, response.data, response.mimetype) == (200, b"", "image/png")
    assert response.headers["X-Accel-Redirect"] == "/_files/results/aa/x.png"
    assert response.headers["ETag"]
    assert "immutable" in response.headers["Cache-Control"]
    assert response.headers["Content-Security-Policy"] == "sandbox"
    assert response.headers["Content-Disposition"].startswith("inline")


@pytest.mark.usefixtures("behind_nginx")
def test_a_files_key_is_quoted_for_nginx(alice: Person, made: Made) -> None:
    response = alice.call("GET", made.thumbnail.url)

    assert response.headers["X-Accel-Redirect"] == "/_files/results/aa/x%20%E5%9B%BE.webp"


@pytest.mark.usefixtures("behind_nginx")
def test_nginx_is_not_troubled_with_what_the_client_has(alice: Person, url: str) -> None:
    tag = alice.call("GET", url).headers["ETag"]

    response = alice.call("GET", url, headers={"If-None-Match": tag})

    assert response.status_code == 304
    assert "X-Accel-Redirect" not in response.headers


@pytest.mark.usefixtures("behind_nginx")
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("asked", [{}, {"Range": "bytes=1-3"}, {"Range": "bytes=9999-"}])
def test_parts_are_left_to_nginx(alice: Person, url: str, method: str, asked: dict[str, str]) -> None:
    response = alice.call(method, url, headers=asked)

    assert (response.status_code, response.data) == (200, b"")
    assert "X-Accel-Redirect" in response.headers


@pytest.mark.usefixtures("behind_nginx")
def test_nginx_sends_nothing_that_we_would_not(alice: Person, bob: Person, url: str, settings: Settings) -> None:
    refusals = [bob.call("GET", url), alice.client.get(url), alice.client.get(f"{url}?expires=1&signature=x")]
    (settings.data_dir / "files" / "results" / "aa" / "x.png").unlink()
    refusals.append(alice.call("GET", url))

    assert [response.status_code for response in refusals] == [404, 401, 401, 404]
    assert not any("X-Accel-Redirect" in response.headers for response in refusals)
