"""What most tests stand on: both stacks, an app, a user.

A stack is a database and a broker. `sqlite` is the embedded one; `mariadb` starts private servers in a temporary
folder where `mariadbd` and `redis-server` are installed, and is skipped, or fails under CI=true, where they are not.
"""

import io
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, update

from backend import create_app
from backend.resources import Resources
from shared import db, log, migrations
from shared.models import Base, Favorite
from shared.settings import Settings
from shared.storage import Storage, storage_of
from tests.object_store import ObjectStore, object_store
from tests.servers import MariaDb, Redis, embedded_broker, missing_servers

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # as for the workers, and before anything imports torch
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no test asks the hub
SECRET = "a secret of the tests, long enough to be one"


@dataclass(frozen=True)
class Stack:
    """Where the database and the broker of a test are."""

    name: str
    database_url: str
    broker_url: str


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits longest comes first: else one of two processes has nothing to do at the end."""
    slow = ("tests/chaos", "tests/end_to_end", "tests/contracts")
    items.sort(key=lambda item: next((n for n, folder in enumerate(slow) if item.nodeid.startswith(folder)), len(slow)))


@pytest.fixture(scope="session")
def sqlite_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("sqlite")
    with embedded_broker(folder) as broker_url:
        yield Stack("sqlite", f"sqlite:///{folder / 'test.db'}", broker_url)


@pytest.fixture(scope="session")
def real_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MariaDb, Redis]]:
    missing_servers()
    folder = tmp_path_factory.mktemp("servers")
    with MariaDb(folder) as mariadb, Redis(folder) as redis:
        yield mariadb, redis


@pytest.fixture(scope="session")
def mariadb_stack(real_servers: tuple[MariaDb, Redis]) -> Stack:
    mariadb, redis = real_servers
    return Stack("mariadb", mariadb.url("darkroom"), redis.url(0))


@pytest.fixture(params=["sqlite", "mariadb"])
def stack(request: pytest.FixtureRequest) -> Stack:
    """Each test that takes it runs twice, each time on an empty database."""
    found: Stack = request.getfixturevalue(f"{request.param}_stack")
    _empty(found)
    return found


@pytest.fixture
def engine(stack: Stack) -> Iterator[Engine]:
    engine = db.connect(stack.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def limits() -> bool:
    """Whether clients are held up; what tests this says so."""
    return False


@pytest.fixture
def settings(stack: Stack, tmp_path: Path, limits: bool) -> Settings:
    return Settings(
        _env_file=None,
        secret_key=SECRET,
        data_dir=tmp_path,
        database_url=stack.database_url,
        broker_url=stack.broker_url,
        limits=limits,
    )


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """Made once for equal settings, which takes a third of a test's time; its resources are each test's own."""
    app, config = _app(settings)
    app.config.clear()
    app.config.update(config)
    app.extensions["darkroom"] = Resources.of(settings)
    yield app
    app.extensions["darkroom"].close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Reads the log's lines so far; logging is global and is set back afterwards."""
    root, written = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr(sys, "stderr", written)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    log.configure(Settings(_env_file=None, secret_key=SECRET, log_format="json"))
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    logging.captureWarnings(False)
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[ObjectStore]:
    with object_store() as server:
        yield server


@pytest.fixture(scope="session")
def s3_storage(s3_server: ObjectStore) -> Storage:
    return storage_of(s3_server.settings())


@pytest.fixture
def s3(s3_server: ObjectStore) -> ObjectStore:
    """Each test that takes it finds an empty bucket."""
    s3_server.empty()
    return s3_server


@pytest.fixture
def bucket(s3: ObjectStore, s3_storage: Storage) -> Storage:
    """What is under a prefix in that bucket; the connection is the same for all tests, for it takes long to make."""
    return s3_storage


_apps: dict[str, tuple[Flask, dict[str, Any]]] = {}
_engines: dict[str, Engine] = {}


def _app(settings: Settings) -> tuple[Flask, dict[str, Any]]:
    """The app of these settings wherever its files lie, and its configuration as it was made."""
    shown = {name: getattr(value, "get_secret_value", lambda value=value: value)() for name, value in settings}
    key = repr({**shown, "data_dir": None})
    if key not in _apps:
        made = create_app(settings)
        made.extensions["darkroom"].close()
        _apps[key] = made, dict(made.config)
    return _apps[key]


def _empty(stack: Stack) -> None:
    if stack.database_url not in _engines:
        _engines[stack.database_url] = db.connect(stack.database_url)
        migrations.upgrade(_engines[stack.database_url])
    with db.write(_engines[stack.database_url]) as connection:
        connection.execute(update(Favorite).values(parent_id=None))  # InnoDB minds the order of rows too
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())
