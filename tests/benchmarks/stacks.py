"""A database, a broker and the web tier on them, as gunicorn's own configuration runs it; removed afterwards."""

import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import psutil

from shared.settings import ROOT, Settings
from tests.servers import MariaDb, Redis, embedded_broker, free_port, until

SECRET = "a secret of the benchmark, long enough to be one"
STACKS = ("sqlite", "mariadb")


@contextmanager
def stack(name: str) -> Iterator[Settings]:
    """The settings of a service whose servers run: SQLite and Valkey, or MariaDB and Redis."""
    with ExitStack() as servers:
        folder = Path(servers.enter_context(tempfile.TemporaryDirectory(prefix="darkroom-bench-")))
        if name == "sqlite":
            urls = {"broker_url": servers.enter_context(embedded_broker(folder))}
        else:
            mariadb, redis = servers.enter_context(MariaDb(folder)), servers.enter_context(Redis(folder))
            urls = {"database_url": mariadb.url("bench"), "broker_url": redis.url(0)}
        yield Settings(_env_file=None, secret_key=SECRET, data_dir=folder, port=free_port(), **urls)


@contextmanager
def web_tier(
    settings: Settings, application: str = "backend.wsgi:app", log: IO[bytes] | None = None, **environment: str
) -> Iterator[psutil.Process]:
    """gunicorn's first process, once it answers. Nobody is limited; `environment` is added to what the stack needs."""
    variables = {
        **os.environ,
        "SECRET_KEY": SECRET,
        "DATA_DIR": str(settings.data_dir),
        "PORT": str(settings.port),
        "LIMITS": "false",
        "BROKER_URL": settings.broker_url.get_secret_value(),
        "DATABASE_URL": settings.database_url.get_secret_value(),
        **environment,
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "backend/gunicorn.conf.py", application]
    with subprocess.Popen(command, cwd=ROOT, env=variables, stdout=log, stderr=log) as process:
        try:
            until(lambda: urllib.request.urlopen(url(settings, "/healthz")).read(), "gunicorn")
            yield psutil.Process(process.pid)
        finally:
            process.terminate()


def url(settings: Settings, path: str) -> str:
    """Of the web tier."""
    return f"http://127.0.0.1:{settings.port}{path}"


def processor_seconds(process: psutil.Process) -> float:
    """Of it and its children, in user and system mode."""
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return sum(each.user + each.system for each in times)
