"""With the database out of reach every contract says so in its own form, and when to come again."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from pydantic import SecretStr

from backend import auth, create_app
from backend.resources import Resources
from backend.services.accounts import Account
from shared import clock
from shared.settings import Settings
from tests.servers import free_port

LOGIN = {"username": "alice", "password": "User@1234"}
NAMED = {**LOGIN, "email": "alice@example.com"}
SUBMIT = {"type": "t2i", "prompt": "a lighthouse"}

REQUESTS = {
    "v1: log in": ("POST", "/api/v1/auth/login", {"account": "alice", "password": "User@1234"}),
    "v1: submit": ("POST", "/api/v1/generation", SUBMIT),
    "v1: poll": ("GET", "/api/v1/generation/task_1", None),
    "image: log in": ("POST", "/api/auth/login", LOGIN),
    "image: history": ("GET", "/api/v1/images/history", None),
    "gin, user: register": ("POST", "/register", NAMED),
    "gin: generate": ("POST", "/auth/generate", {"prompt": "a lighthouse"}),
    "captcha: log in": ("POST", "/login", LOGIN),
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """Of a service whose database's port nobody listens on."""
    settings = Settings(
        _env_file=None,
        secret_key="s" * 40,
        data_dir=tmp_path_factory.mktemp("away"),
        database_url=SecretStr(f"mysql://nobody@127.0.0.1:{free_port()}/nothing"),
        limits=False,
    )
    app = create_app(settings)
    yield app.test_client()
    resources: Resources = app.extensions["darkroom"]
    resources.close()


@pytest.mark.parametrize("name", REQUESTS)
def test_a_database_that_is_away_is_503_with_a_time_to_come_again(client: FlaskClient, name: str) -> None:
    method, path, body = REQUESTS[name]

    response = client.open(path, method=method, json=body, headers={"Authorization": f"Bearer {token(client)}"})

    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert response.is_json
    assert "mysql" not in response.text.lower()


def token(client: FlaskClient) -> str:
    """A good one of a user who cannot be looked up."""
    alice = Account(1, "alice", "alice@example.com", 1, clock.now(), "user", None)
    with client.application.app_context():
        return auth.issue(alice).text
