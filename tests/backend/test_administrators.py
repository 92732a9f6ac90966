"""`./start.sh admin create`."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from backend import administrators
from shared import clock
from shared.settings import Settings
from tests.backend.admin import call, change, entries
from tests.backend.conftest import Person, log_in

pytestmark = pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # the services below are tried on both

NEW = ("create", "--name", "boss", "--email", "boss@example.org")
PIPED = {"piped": "open sesame\n"}
Run = Callable[..., int]


class Typed(io.StringIO):
    """A terminal's input."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the program with what comes on its input."""
    monkeypatch.setattr("shared.settings.load", lambda: settings)

    def run(*arguments: str, piped: str = "", typed: list[str] | None = None) -> int:
        answers = list(typed or [])

        def answer(_: str) -> str:
            if not answers:
                raise EOFError
            return answers.pop(0)

        monkeypatch.setattr("sys.stdin", io.StringIO(piped) if typed is None else Typed())
        monkeypatch.setattr("builtins.input", answer)
        monkeypatch.setattr(administrators, "getpass", answer)
        return administrators.main(arguments)

    return run


def test_a_new_administrator_is_made_with_a_password_from_the_input(
    run: Run, client: FlaskClient, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run(*NEW, piped="open sesame\n")

    assert (status, capsys.readouterr().out) == (0, "boss was made, and is an administrator\n")
    assert call(Person(client, "boss", log_in(client, "boss", "open sesame")), "GET", "/users").status_code == 200
    assert entries(engine) == [("terminal", "user.create", "boss", {"role": "admin"})]


def test_at_a_terminal_everything_is_asked_for(run: Run, client: FlaskClient) -> None:
    status = run("create", typed=["boss", "boss@example.org", "open sesame", "open sesame"])

    assert status == 0
    assert log_in(client, "boss", "open sesame")


@pytest.mark.parametrize("name", ["alice", "ALICE", "alice@example.com"])
def test_an_account_that_is_there_is_promoted_and_keeps_its_password(
    run: Run, client: FlaskClient, alice: Person, engine: Engine, name: str
) -> None:
    change(engine, alice, disabled_at=clock.now())

    status = run("create", "--name", name)

    assert status == 0
    assert call(Person(client, "alice", log_in(client, "alice")), "GET", "/users").status_code == 200
    assert entries(engine) == [("terminal", "user.promote", "alice", {})]


@pytest.mark.parametrize(
    ("arguments", "given", "said"),
    [
        (NEW, {"piped": "short\n"}, "password: must have at least 6 characters"),
        (NEW, {"piped": ""}, "password: must have at least 6 characters"),
        (NEW[:3], PIPED, "e-mail: is required"),
        (("create",), PIPED, "name: is required"),
        ((*NEW, "--email", "nowhere"), PIPED, "email: is not a valid e-mail address"),
        ((*NEW, "--name", "a@b"), PIPED, "account: must be printable"),
        ((*NEW, "--name", "b"), PIPED, "account: must have at least 3 characters"),
        ((*NEW, "--email", "alice@example.com"), PIPED, "This e-mail address is taken"),
        (NEW, {"typed": ["open sesame", "close sesame"]}, "password: was not typed the same way twice"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    run: Run,
    alice: Person,
    engine: Engine,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    given: dict[str, Any],
    said: str,
) -> None:
    status = run(*arguments, **given)

    complaint = capsys.readouterr().err
    assert (status, complaint.count("\n")) == (1, 1)
    assert complaint.startswith(f"start: {said}")
    assert entries(engine) == []


def test_an_end_of_the_input_changes_nothing(run: Run, engine: Engine) -> None:
    assert run(*NEW, typed=["open sesame"]) == 1
    assert entries(engine) == []


@pytest.mark.parametrize("arguments", [(), ("remove",), ("create", "--password", "secret")])
def test_a_command_that_makes_no_sense_is_refused(run: Run, arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(*arguments)

    assert ended.value.code == 2
