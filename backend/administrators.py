"""`./start.sh admin create`: makes an administrator of a new account, or of one that is there.

The only way to the first one: no account comes with a password that is known to others.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from getpass import getpass

from sqlalchemy.exc import DBAPIError

from backend import create_app
from backend.api.admin.schemas.users import NewUser
from backend.problems import tell
from backend.reading import validated
from backend.services.administration.audit import Terminal
from backend.services.administration.users import Users
from backend.texts import TEXTS
from backend.wiring import services
from shared import db, settings
from shared.errors import AppError, Invalid
from shared.launch.console import Refused, complain, show
from shared.settings import InvalidSettings

Ask = Callable[[str], str]


def main(arguments: Sequence[str]) -> int:
    """The exit status; 2 for what makes no sense."""
    asked = _parsed(arguments)
    try:
        app = create_app(settings.load())
    except InvalidSettings as problem:
        return complain(Refused(f"{problem}: ./start.sh makes what is missing", 2))
    try:
        with app.app_context():
            show(create(services().administration.users, asked.name, asked.email))
    except DBAPIError as error:
        return complain(Refused(db.no_answer(error)))
    except AppError as error:
        return complain(Refused(_english(error)))
    except (EOFError, KeyboardInterrupt):
        return complain(Refused("nothing was changed"))
    finally:
        app.extensions["darkroom"].close()
    return 0


def create(users: Users, name: str | None, email: str | None) -> str:
    """Returns what has been done. What is not given is asked for. Raises AppErrors."""
    name = name or _asked("Name", input)
    if known := users.named(name):
        users.promote(Terminal(), known.id)
        return f"{known.account} is an administrator now"
    given = {"account": name, "email": email or _asked("E-mail", input), "password": _password(), "role": "admin"}
    made = users.create(Terminal(), **dict(validated(NewUser, given)))
    return f"{made.account} was made, and is an administrator"


def _password() -> str:
    """Typed twice without being shown, or the first line of what comes from somewhere else."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = _asked("Password", getpass)
    if password != _asked("Again", getpass):
        raise Invalid.of("password", "not_the_same")
    return password


def _asked(what: str, ask: Ask) -> str:
    """Raises Invalid where nobody sits there to be asked."""
    if not sys.stdin.isatty():
        raise Invalid.of(what.lower(), "missing")
    return ask(f"{what}: ")


def _english(error: AppError) -> str:
    problems = [f"{problem.field}: {tell(problem, 'en')}" for problem in error.problems]
    return "; ".join(problems) or TEXTS[error.code][1].format_map(error.facts)


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./start.sh admin", description="Makes administrators.")
    commands = parser.add_subparsers(required=True, metavar="create")
    making = commands.add_parser("create", help="a new account, or one that is there")
    making.add_argument("--name", help="the account's name, or of one that is there its e-mail address")
    making.add_argument("--email", help="the e-mail address of a new account")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
