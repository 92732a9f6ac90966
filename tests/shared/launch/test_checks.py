"""`./start.sh check` and a command's way into the service."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import pytest

from shared.launch import __main__ as launch
from shared.launch import checks
from shared.launch.foreground import Finished
from shared.settings import ROOT


def test_all_checks_run_although_one_fails(capsys: pytest.CaptureFixture[str]) -> None:
    ran: list[str] = []

    def run(arguments: Sequence[str], *, show_errors: bool = True) -> Finished:
        ran.append(Path(arguments[0]).name)
        return Finished(1 if arguments[0].endswith("mypy") else 0)

    assert checks.check(run) == 1
    assert ran == ["ruff", "ruff", "mypy", "lint-imports"]
    assert "failed: types" in capsys.readouterr().out


def test_checks_that_all_pass_are_status_0() -> None:
    assert checks.check(lambda *_, **__: Finished(0)) == 0


@pytest.mark.parametrize("command", checks.PROGRAMS)
def test_the_program_of_a_command_is_there_and_gets_its_arguments(
    command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran: list[list[str]] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.execv", lambda _, arguments: ran.append(arguments[1:]))

    checks.become(ROOT, command, ("--some", "words"))

    assert ran == [["-m", checks.PROGRAMS[command], "--some", "words"]]
    assert importlib.util.find_spec(checks.PROGRAMS[command])


@pytest.mark.parametrize(
    ("command", "name", "value", "message"),
    [
        ("web", "PORT", "eighty", "start: PORT: "),
        ("worker", "MODELS_FILE", "/nowhere/models.toml", "start: MODELS_FILE: /nowhere/models.toml: "),
    ],
)
def test_a_wrong_setting_is_one_line_with_its_name(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    name: str,
    value: str,
    message: str,
) -> None:
    monkeypatch.setenv("SECRET_KEY", "x" * 40)
    monkeypatch.setenv(name, value)

    assert launch.main([command]) == 2

    said = capsys.readouterr().err
    assert said.startswith(message)
    assert said.count("\n") == 1
