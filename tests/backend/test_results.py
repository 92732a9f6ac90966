"""Files of results: to their owner, whole or in part."""

import hashlib
from pathlib import Path

import pytest
from sqlalchemy import Engine

from shared.claims import Claims
from shared.settings import Settings
from shared.storage import LocalStorage
from tests.backend.conftest import Person

DATA = b"\x89PNG what a picture"


@pytest.fixture
def url(alice: Person, engine: Engine, settings: Settings) -> str:
    """A completed task's result_url."""
    task = alice.submit().get_json()["data"]["task_id"]
    claims = Claims(engine, "worker", 15, 3)
    [claim] = claims.claim("gpu", lambda model: 1)
    LocalStorage(settings.data_dir / "files").save("results/aa/x.png", DATA)
    entry = {
        "name": f"{task}.png",
        "key": "results/aa/x.png",
        "media_type": "image/png",
        "bytes": len(DATA),
        "sha256": hashlib.sha256(DATA).hexdigest(),
    }
    claims.complete(claim, [entry])
    found: str = alice.call("GET", f"/api/v1/generation/{task}").get_json()["data"]["result_url"]
    return found


def test_the_owner_gets_the_file(alice: Person, url: str) -> None:
    response = alice.call("GET", url)

    assert (response.status_code, response.data, response.mimetype) == (200, DATA, "image/png")
    assert "immutable" in response.headers["Cache-Control"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_a_part_of_the_file_can_be_asked_for(alice: Person, url: str) -> None:
    response = alice.call("GET", url, headers={"Range": "bytes=1-3"})

    assert (response.status_code, response.data) == (206, b"PNG")
    assert response.headers["Content-Range"] == f"bytes 1-3/{len(DATA)}"


def test_a_file_that_the_client_has_is_not_sent_again(alice: Person, url: str) -> None:
    tag = alice.call("GET", url).headers["ETag"]

    response = alice.call("GET", url, headers={"If-None-Match": tag})

    assert (response.status_code, response.data) == (304, b"")


def test_somebody_else_finds_nothing(bob: Person, url: str) -> None:
    assert bob.call("GET", url).status_code == 404


def test_without_a_token_there_is_nothing_to_get(alice: Person, url: str) -> None:
    assert alice.client.get(url).status_code == 401


@pytest.mark.parametrize(
    "name",
    [
        "task_0.png",
        "x",
        "..%2f..%2fdarkroom.db",
        "../darkroom.db",
        "....//darkroom.db",
        "%00.png",
        "results/aa/x.png",
        "task_" + "0" * 20 + ".png",
        "task_" + "0" * 20 + "_2.png",
        "x" * 5000,
        "圆.png",
    ],
)
def test_a_name_that_is_no_result_is_not_found(alice: Person, url: str, name: str) -> None:
    response = alice.call("GET", f"/generated_outputs/{name}")

    assert response.status_code == 404
    assert response.get_json()["code"] == 404


def test_a_result_is_found_by_its_own_name_only(alice: Person, url: str) -> None:
    assert alice.call("GET", url.replace(".png", "_2.png")).status_code == 404
    assert alice.call("GET", url.replace(".png", ".jpg")).status_code == 404


def test_a_file_that_is_gone_is_not_found(alice: Person, url: str, settings: Settings) -> None:
    Path(settings.data_dir / "files" / "results" / "aa" / "x.png").unlink()

    assert alice.call("GET", url).status_code == 404
