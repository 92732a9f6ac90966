"""A full disk: each contract says in its own form that the service cannot do this now, and goes on with the rest."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.settings import Settings
from shared.storage import LocalStorage
from tests.backend.conftest import Person
from tests.backend.image import PNG, picture, refusal, register


class FullDisk(LocalStorage):
    """Has no room."""

    def save(self, key: str, data: bytes) -> None:
        raise OSError(28, "No space left on device")


@pytest.fixture
def full(app: Flask, settings: Settings) -> Iterator[None]:
    """The disk is full until the test ends."""
    resources = app.extensions["darkroom"]
    app.extensions["darkroom"] = replace(resources, storage=FullDisk(settings.data_dir / "files"))
    yield
    app.extensions["darkroom"] = resources


def test_an_upload_is_refused_as_v1_does(alice: Person, full: None) -> None:
    response = alice.call("POST", "/api/v1/upload", data=PNG, headers={"Content-Type": "image/png"})

    assert response.status_code == 503
    assert (response.get_json()["code"], response.get_json()["error"]["code"]) == (503, "unavailable")


def test_a_registration_with_an_avatar_is_refused_as_image_does(client: FlaskClient, full: None) -> None:
    response = register(client, picture(PNG))

    assert refusal(response) == (503, "", "unavailable")
    assert response.get_json()["message"]


def test_whoever_needs_no_file_is_served(client: FlaskClient, alice: Person, full: None) -> None:
    assert alice.submit().status_code == 200
    assert client.get("/readyz").get_json()["checks"]["database"] == "ok"
