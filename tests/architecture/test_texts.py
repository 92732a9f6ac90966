"""Whatever the service may have to say has a text, in Chinese and in English."""

import ast
import re
from collections.abc import Iterator
from typing import Any

from flask import Flask

from backend.pages import labels
from backend.texts import LANGUAGES, TEXTS
from shared.claims import WORKER_LOST
from shared.errors import AppError
from shared.lifecycle import Status
from shared.settings import ROOT
from tests.architecture.conftest import Sources
from worker.errors import EngineError

ENDINGS = {"fail", "_end_badly"}
CHINESE = re.compile("[\u4e00-\u9fff]")


def test_every_error_has_a_text(app: Flask) -> None:
    codes = {error.code for error in (AppError, *_kinds_of(AppError))}

    assert codes - TEXTS.keys() == set()


def test_every_error_has_a_code_of_its_own(app: Flask) -> None:
    declared = [error.__dict__.get("code") for error in (AppError, *_kinds_of(AppError))]

    assert None not in declared
    assert len(set(declared)) == len(declared)


def test_every_message_of_a_route_has_a_text(app: Flask) -> None:
    messages = {terms.message for api in app.extensions["apis"] for terms in api.contracts.values()}

    assert messages - TEXTS.keys() == set()


def test_every_status_of_a_task_has_a_text() -> None:
    assert {f"task_{status}" for status in Status} - TEXTS.keys() == set()


def test_every_reason_for_a_failed_task_has_a_text(sources: Sources) -> None:
    engine_errors = {error.code for error in (EngineError, *_kinds_of(EngineError))}
    reasons = {WORKER_LOST, *engine_errors, *_reasons_written_in(sources)}

    assert {"worker_lost", "out_of_memory", "storage_failed"} <= reasons
    assert reasons - TEXTS.keys() == set()


def test_every_text_is_in_both_languages() -> None:
    in_both = {
        code: bool(CHINESE.search(chinese)) and bool(english) and not CHINESE.search(english)
        for code, (chinese, english) in TEXTS.items()
    }

    assert LANGUAGES == ("zh", "en")
    assert [code for code, good in in_both.items() if not good] == []


def test_every_word_of_the_page_is_translated_and_no_other() -> None:
    pages = [page.read_text("utf-8") for page in (ROOT / "backend/templates/admin").glob("*.html")]
    written = {text for page in pages for text in re.findall(r't\("([^"]+)"\)', page)}

    assert written | set(labels.NOTES.values()) == set(labels.CHINESE)
    assert [text for text in labels.CHINESE.values() if not CHINESE.search(text)] == []


def _kinds_of(error: Any) -> Iterator[Any]:
    for kind in error.__subclasses__():
        yield kind
        yield from _kinds_of(kind)


def _reasons_written_in(sources: Sources) -> Iterator[str]:
    """The codes that the worker's modules give to what ends a claim badly, as they stand."""
    for path, tree in sources.items():
        for node in ast.walk(tree) if path.startswith("worker/") else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ENDINGS:
                yield from (a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str))
