"""The schema's way to the newest revision, on both databases."""

import os
import subprocess
import sys

from alembic import command
from sqlalchemy import Engine, inspect

from shared import db, migrations
from shared.models import Base
from tests.conftest import Stack


def drop_everything(engine: Engine) -> None:
    with db.write(engine) as connection:
        command.downgrade(migrations.configuration(connection), "base")


def test_upgraded_tables_are_those_of_the_models(engine: Engine) -> None:
    with db.write(engine) as connection:
        command.check(migrations.configuration(connection))


def test_every_revision_can_be_taken_back(engine: Engine) -> None:
    drop_everything(engine)

    assert set(inspect(engine).get_table_names()) == {"alembic_version"}
    migrations.upgrade(engine)
    assert set(Base.metadata.tables) <= set(inspect(engine).get_table_names())


def test_several_processes_may_upgrade_at_once(engine: Engine, stack: Stack) -> None:
    drop_everything(engine)
    environment = {**os.environ, "DATABASE_URL": stack.database_url, "SECRET_KEY": "s" * 40}

    started = [subprocess.Popen([sys.executable, "-m", "shared.migrations"], env=environment) for _ in range(3)]

    assert [process.wait(timeout=60) for process in started] == [0, 0, 0]
    assert migrations.is_current(engine)


def test_a_database_that_does_not_answer_is_named_in_one_line() -> None:
    environment = {**os.environ, "DATABASE_URL": "mysql://nobody@127.0.0.1:1/none", "SECRET_KEY": "s" * 40}

    ended = subprocess.run([sys.executable, "-m", "shared.migrations"], env=environment, capture_output=True, text=True)

    assert ended.returncode == 1
    assert ended.stderr.startswith("DATABASE_URL: ")
    assert len(ended.stderr.splitlines()) == 1
