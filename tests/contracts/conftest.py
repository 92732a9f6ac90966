"""The app that generated requests go to, and a user's token."""

from pathlib import Path

import pytest
from flask import Flask

from backend import auth, create_app
from backend.wiring import services
from shared import db, migrations
from shared.settings import Settings
from tests.conftest import SECRET, Stack


@pytest.fixture(scope="session")
def served(sqlite_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The app on a database of its own: generated requests leave things behind."""
    folder: Path = tmp_path_factory.mktemp("contracts")
    configured = Settings(
        _env_file=None,
        secret_key=SECRET,
        data_dir=folder,
        broker_url=sqlite_stack.broker_url,
        limits=False,
    )
    migrations.upgrade(db.connect(configured.database))
    app = create_app(configured)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.extensions["darkroom"].watch.close()  # there is no worker that anybody could wait for
    return app


@pytest.fixture(scope="session")
def token(served: Flask) -> str:
    with served.app_context():
        return auth.issue(services().accounts.register("tester", "tester@example.com", "User@1234")).text
