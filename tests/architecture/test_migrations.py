"""The revisions build exactly what the models say."""

from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory

from shared import db, migrations


def test_migrated_database_is_what_the_models_say(tmp_path: Path) -> None:
    engine = db.connect(f"sqlite:///{tmp_path / 'darkroom.db'}")
    migrations.upgrade(engine)

    with engine.connect() as connection:
        command.check(migrations.configuration(connection))  # raises when a revision is missing

    assert migrations.is_current(engine)
    engine.dispose()


def test_revisions_are_one_line() -> None:
    script = ScriptDirectory.from_config(migrations.configuration())

    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1
