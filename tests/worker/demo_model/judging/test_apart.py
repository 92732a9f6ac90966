"""The judging is no judge in its own cause: nothing that draws or trains has a hand in it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import worker.demo_model
from worker.demo_model import judging

OWN, ITSELF = "worker.demo_model", judging.__name__
COMMANDS = sorted(Path(worker.demo_model.__path__[0]).glob("evaluate*.py"))
FILES = [*sorted(Path(judging.__path__[0]).glob("*.py")), *COMMANDS]


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_of_the_model_a_judging_module_imports_only_its_likes_and_where_the_weights_are(file: Path) -> None:
    ours = {name for name in imported(file) if name.startswith(OWN)}

    strangers = {name for name in ours if not name.startswith((f"{ITSELF}.", f"{OWN}.evaluate."))}

    assert strangers <= {f"{OWN}.{name}" for name in ("WEIGHTS", "MOTION", "PICTURE_SIZE")}


def test_the_search_for_imports_finds_some() -> None:
    found = {name for file in FILES for name in imported(file)}

    assert f"{ITSELF}.seeing.look" in found
    assert f"{OWN}.WEIGHTS" in found
