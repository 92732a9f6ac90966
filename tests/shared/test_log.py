"""Log lines in both forms."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from shared import log
from shared.settings import Settings


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Logging as it was before: it is global."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
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


def test_what_is_below_the_level_is_not_said(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")

    structlog.get_logger("test").debug("detail")

    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", ["openai", "openai._base_client", "httpx2", "httpcore2.connection"])
def test_what_is_sent_to_providers_is_never_logged(name: str) -> None:
    log.configure(Settings(_env_file=None, secret_key="s" * 40, log_level="debug"))

    assert not logging.getLogger(name).isEnabledFor(logging.INFO)
