"""The revisions build exactly what the models say."""

import ast
from pathlib import Path
from typing import Any

from alembic import command
from alembic.script import ScriptDirectory

from shared import db, migrations
from shared.settings import ROOT

VERSIONS = sorted((ROOT / "shared" / "migrations" / "versions").glob("*.py"))
FIRST_TO_EXPAND = "0007"  # those before it were for everything at once


def test_migrated_database_is_what_the_models_say(tmp_path: Path) -> None:
    engine = db.connect(f"sqlite:///{tmp_path / 'darkroom.db'}")
    migrations.upgrade(engine)

    with engine.connect() as connection:
        command.check(migrations.configuration(connection))  # raises when a revision is missing

    assert migrations.is_current(engine)
    engine.dispose()


def test_processes_of_the_version_before_can_go_on() -> None:
    """As far as the schema goes: nothing is taken away, and no new column of an old table has to be filled in."""
    calls = [call for path in VERSIONS if path.name >= FIRST_TO_EXPAND for call in _calls(path)]

    taken_away = [call.func.attr for call in calls if call.func.attr in {"drop_column", "drop_table", "alter_column"}]
    columns = [call.args[1] for call in calls if call.func.attr == "add_column"]
    demanded = [ast.unparse(column) for column in columns if not _may_be_left_out(column)]

    assert columns
    assert (taken_away, demanded) == ([], [])


def test_revisions_are_one_line() -> None:
    script = ScriptDirectory.from_config(migrations.configuration())

    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1


def _calls(path: Path) -> list[Any]:
    """The calls of alembic's operations in a revision's upgrade."""
    functions = [node for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)]
    (upgrade,) = [function for function in functions if function.name == "upgrade"]
    calls = [node for node in ast.walk(upgrade) if isinstance(node, ast.Call)]
    return [call for call in calls if isinstance(call.func, ast.Attribute)]


def _may_be_left_out(column: Any) -> bool:
    said = {keyword.arg: ast.unparse(keyword.value) for keyword in column.keywords}
    return said.get("nullable") != "False" or "server_default" in said
