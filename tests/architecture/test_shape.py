"""How long functions and files are, and that each module says what it is for."""

import ast
from collections.abc import Iterator

from shared.settings import ROOT
from tests.architecture.conftest import Sources

LONGEST_FUNCTION = 60
LONGEST_FILE = 250
USUAL_FUNCTION = 25
USUAL_SHARE = 0.9


def test_no_function_is_too_long(sources: Sources) -> None:
    lengths = dict(_functions(sources))

    too_long = {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION}

    assert too_long == {}


def test_nearly_all_functions_are_short(sources: Sources) -> None:
    lengths = dict(_functions(sources))

    longer = {name: lines for name, lines in lengths.items() if lines > USUAL_FUNCTION}

    assert len(longer) <= len(lengths) * (1 - USUAL_SHARE), longer


def test_no_file_is_too_long(sources: Sources) -> None:
    lengths = {path: len((ROOT / path).read_text("utf-8").splitlines()) for path in sources}

    too_long = {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE}

    assert too_long == {}


def test_every_module_says_what_it_is_for(sources: Sources, test_sources: Sources) -> None:
    modules = {**sources, **test_sources}

    silent = [path for path, tree in modules.items() if not ast.get_docstring(tree)]

    assert silent == []


def _functions(sources: Sources) -> Iterator[tuple[str, int]]:
    for path, tree in sources.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                yield f"{path}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1
