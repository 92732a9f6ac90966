"""The database as one file, as it was at one moment, and such a file as a database again; by each database's own means.

SQLite copies itself; of MySQL and MariaDB their clients write and read SQL.
"""

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import URL, Engine, inspect

DUMP = ("mariadb-dump", "mysqldump")
CLIENT = ("mariadb", "mysql")
CONSISTENT = ("--single-transaction", "--quick", "--no-tablespaces", "--hex-blob", "--default-character-set=utf8mb4")

AS_THE_SERVICE = (
    "protocol=tcp",
    "loose-ssl-verify-server-cert=OFF",
)  # connects: also to localhost, and to any certificate


class NotDone(Exception):
    """Nothing was saved, or nothing restored; the message says why, and what to do."""


def is_empty(engine: Engine) -> bool:
    """Whether nothing would be lost; a SQLite file that is not there is not made."""
    file = engine.url.database if _is_sqlite(engine) else None
    if file is not None and not Path(file).exists():
        return True
    return not inspect(engine).get_table_names()


def save(engine: Engine, path: Path) -> None:
    """All of it, as it is at one moment. Raises NotDone."""
    if _is_sqlite(engine):
        _copy(Path(engine.url.database or ""), path)
        return
    with _login(engine.url) as login, path.open("wb") as dump:
        _run([_program(engine, DUMP), login, *CONSISTENT, str(engine.url.database)], stdout=dump)


def restore(engine: Engine, path: Path) -> None:
    """Put what was saved into an empty database of the same kind. Raises NotDone."""
    if _is_sqlite(engine):
        file = Path(engine.url.database or "")
        file.parent.mkdir(parents=True, exist_ok=True)
        _copy(path, file)
        return
    with _login(engine.url) as login, path.open("rb") as dump:
        _run([_program(engine, CLIENT), login, "--default-character-set=utf8mb4", str(engine.url.database)], stdin=dump)


def kind(engine: Engine) -> str:
    """Which of both a saved file is for."""
    return "sqlite" if _is_sqlite(engine) else "mysql"


def _is_sqlite(engine: Engine) -> bool:
    return engine.dialect.name == "sqlite"


def _copy(source: Path, target: Path) -> None:
    """SQLite's own online copy: also of a database that is being written to."""
    if not source.exists():
        raise NotDone(f"there is no database at {source}")
    with closing(sqlite3.connect(source)) as reader, closing(sqlite3.connect(target)) as writer:
        reader.backup(writer)


def _program(engine: Engine, names: tuple[str, str]) -> str:
    """The client of the server's own family, else the other one's."""
    with engine.connect() as connection:  # only then it is known
        preferred = names if getattr(connection.dialect, "is_mariadb", False) else names[::-1]
    found = next(filter(None, map(shutil.which, preferred)), None)
    if found is None:
        raise NotDone(f"{' or '.join(preferred)} is not installed: apt install mariadb-client, or mysql-client")
    return found


@contextmanager
def _login(url: URL) -> Iterator[str]:
    """In a file that nobody else can read: everybody sees what a program is started with."""
    said = {"user": url.username, "password": url.password, "host": url.host, "port": url.port}
    lines = [f'{name}="{_quoted(str(value))}"' for name, value in said.items() if value is not None]
    descriptor, path = tempfile.mkstemp(suffix=".cnf")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write("\n".join(["[client]", *AS_THE_SERVICE, *lines, ""]))
        yield f"--defaults-extra-file={path}"
    finally:
        Path(path).unlink()


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _run(command: list[str], **streams: object) -> None:
    ended = subprocess.run(command, stderr=subprocess.PIPE, check=False, **streams)  # type: ignore[call-overload]
    if ended.returncode:
        raise NotDone(ended.stderr.decode(errors="replace").strip())
