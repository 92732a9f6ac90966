"""Log lines in both forms."""

import json
import logging
import runpy
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from gunicorn.config import Config

from shared import log
from shared.settings import ROOT, Settings
from shared.storage import storage_of
from tests.object_store import ACCESS_KEY, SECRET, ObjectStore


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Logging as it was before: it is global."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(False)
    sys.excepthook = sys.__excepthook__
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def configure(log_format: str) -> None:
    log.configure(Settings(_env_file=None, secret_key="s" * 40, log_format=log_format))


def crash(password: str) -> None:
    raise ValueError(f"a word of {len(password)} letters")


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_traceback_has_no_variables_in_it(log_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure(log_format)

    word = "open" + " " + "sesame"  # not as it would stand in a line of code
    try:
        crash(word)
    except ValueError as error:
        structlog.get_logger("test").error("crashed", exc_info=error)
        logging.getLogger("test").error("crashed", exc_info=error)

    said = capsys.readouterr().err
    assert said.count("a word of 11 letters") >= 2
    assert word not in said


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")

    structlog.get_logger("test").info("task_done", task="task_1")
    logging.getLogger("other").warning("from %s", "a library")

    ours, theirs = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (ours["event"], ours["task"], ours["level"]) == ("task_done", "task_1", "info")
    assert (theirs["event"], theirs["logger"]) == ("from a library", "other")


def test_warnings_and_what_ends_the_process_are_one_line_each_too(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.warn("old ways", DeprecationWarning, stacklevel=1)
    sys.excepthook(ValueError, ValueError("no way out"), None)

    warned, crashed = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert "DeprecationWarning: old ways" in warned["event"]
    assert (crashed["event"], crashed["exception"][0]["exc_value"]) == ("crashed", "no way out")


def test_gunicorns_lines_have_the_same_form(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SECRET_KEY", "s" * 40)
    monkeypatch.setenv("LOG_FORMAT", "json")
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))

    configured = runpy.run_path(str(ROOT / "backend" / "gunicorn.conf.py"))
    configured["logger_class"](Config()).error("Worker (pid:%s) was sent SIGKILL!", 7)

    said = json.loads(capsys.readouterr().err)
    assert (said["event"], said["logger"]) == ("Worker (pid:7) was sent SIGKILL!", "gunicorn.error")


def test_what_is_below_the_level_is_not_said(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")

    structlog.get_logger("test").debug("detail")

    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", ["openai", "openai._base_client", "httpx2", "httpcore2.connection"])
def test_what_is_sent_to_providers_is_never_logged(name: str) -> None:
    log.configure(Settings(_env_file=None, secret_key="s" * 40, log_level="debug"))

    assert not logging.getLogger(name).isEnabledFor(logging.INFO)


def test_the_log_of_everything_has_no_key_to_the_files_in_it(
    s3: ObjectStore, capsys: pytest.CaptureFixture[str]
) -> None:
    log.configure(s3.settings(log_level="debug"))
    storage = storage_of(s3.settings())

    storage.save("a", b"data")
    s3.refuse("s3:PutObject")
    with pytest.raises(PermissionError) as refusal:
        storage.save("a", b"data")

    said = capsys.readouterr().err + str(refusal.value)
    assert not [secret for secret in (SECRET, ACCESS_KEY, "Signature=") if secret in said]
