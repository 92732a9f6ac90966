"""People with tokens."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash
from werkzeug.test import TestResponse

from backend import auth
from backend.services.accounts import Account
from shared import db
from shared.claims import Claims
from shared.models import User
from tests.fakes.provider import FakeProvider

PASSWORD = "User@1234"


@dataclass(frozen=True)
class Person:
    """Somebody with an account; calls carry the token."""

    client: FlaskClient
    account: str
    token: str

    def call(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, buffered=True, **options)

    def submit(self, **body: Any) -> TestResponse:
        return self.call("POST", "/api/v1/generation", json={"type": "t2i", "prompt": "a red circle", **body})


def poll(person: Person, task: str) -> dict[str, Any]:
    data: dict[str, Any] = person.call("GET", f"/api/v1/generation/{task}").get_json()["data"]
    return data


@pytest.fixture
def worker(engine: Engine) -> Claims:
    """The claims of a worker that a test plays itself."""
    return Claims(engine, "worker", 15, 3)


@pytest.fixture
def sign_up(app: Flask, client: FlaskClient, engine: Engine) -> Callable[[str], Person]:
    """Rather than through the routes, which spend a tenth of a second on each password."""

    def make(account: str) -> Person:
        user = User(account=account, account_key=account, email=f"{account}@example.com", password_hash=_hashed())
        with Session(engine, expire_on_commit=False) as session, db.writing(session):
            session.add(user)
        with app.app_context():
            facts = (user.id, user.account, user.email, user.token_version, user.created_at, user.role)
            token = auth.issue(Account(*facts, user.avatar_url))
        return Person(client, account, token.text)

    return make


@pytest.fixture
def fake(app: Flask) -> Iterator[FakeProvider]:
    """A provider that the app may ask."""
    resources = app.extensions["darkroom"]
    with FakeProvider() as fake:
        changes = {"provider_hosts": (fake.place,), "provider_seconds": 5.0}
        object.__setattr__(resources, "settings", resources.settings.model_copy(update=changes))
        yield fake


@cache
def _hashed() -> str:
    return generate_password_hash(PASSWORD)


@pytest.fixture
def alice(sign_up: Callable[[str], Person]) -> Person:
    return sign_up("alice")


@pytest.fixture
def bob(sign_up: Callable[[str], Person]) -> Person:
    return sign_up("bobby")


@pytest.fixture
def admin(sign_up: Callable[[str], Person], engine: Engine) -> Person:
    person = sign_up("root")
    with db.write(engine) as connection:
        connection.execute(update(User).where(User.account == "root").values(role="admin"))
    return person


def log_in(client: FlaskClient, account: str, password: str = PASSWORD) -> str:
    response = client.post("/api/v1/auth/login", json={"account": account, "password": password})
    token: str = response.get_json()["data"]["token"]
    return token
