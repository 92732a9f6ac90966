"""The database's schema, one revision a file; `upgrade` brings a database to the newest."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from shared.db import write

LOCK = "darkroom-migrations"
LOCK_WAIT_SECONDS = 120


def upgrade(engine: Engine) -> None:
    """Run what is missing. Safe when several processes start at once: one works, the others wait and find it done."""
    if is_current(engine):
        return
    with write(engine) as connection, _alone(connection):
        command.upgrade(configuration(connection), "head")


def is_current(engine: Engine) -> bool:
    """Whether the database stands at the newest revision."""
    with engine.connect() as connection:
        heads = MigrationContext.configure(connection).get_current_heads()
    return set(heads) == set(ScriptDirectory.from_config(configuration()).get_heads())


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration: the scripts beside this file, run on `connection`."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """SQLite's write lock is held already; on MySQL, where DDL commits by itself, a named lock does it."""
    if connection.dialect.name != "mysql":
        yield
        return
    connection.execute(text("SELECT GET_LOCK(:lock, :wait)"), {"lock": LOCK, "wait": LOCK_WAIT_SECONDS})
    try:
        yield
    finally:
        connection.execute(text("DO RELEASE_LOCK(:lock)"), {"lock": LOCK})
