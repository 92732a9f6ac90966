"""Where a run's database and broker are: what start.sh brings along, or private servers that the run kills itself."""

import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import MariaDb, Redis, Server

STACKS = ("sqlite", "mariadb")
PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])


class NotInstalled(Exception):
    """This stack's servers are not on this machine."""


class Servers(ABC):
    """What of a stack start.sh does not run."""

    name: str

    @abstractmethod
    def environment(self, data_dir: Path) -> dict[str, str]:
        """The settings that lead there."""


class Embedded(Servers):
    """SQLite and the broker that start.sh runs: there is nothing else."""

    name = "sqlite"

    def environment(self, data_dir: Path) -> dict[str, str]:
        return {}


class Production(Servers):
    """MariaDB and Redis."""

    name = "mariadb"

    def __init__(self, mariadb: MariaDb, redis: Redis) -> None:
        self.mariadb = mariadb
        self.redis = redis

    def environment(self, data_dir: Path) -> dict[str, str]:
        return {"DATABASE_URL": self.mariadb.url("chaos"), "BROKER_URL": self.redis.url(0)}

    def restart(self, server: Server) -> None:
        """Start a killed one on what it left behind."""
        if not server.runs():
            Server.start(server)


@contextmanager
def servers(name: str, folder: Path) -> Iterator[Servers]:
    """The servers of this stack, in this folder. Raises NotInstalled."""
    if name == Embedded.name:
        yield Embedded()
        return
    missing = [each for each in ("mariadbd", "redis-server") if not shutil.which(each, path=PATH)]
    if missing:
        raise NotInstalled(", ".join(missing))
    folder.mkdir()
    with MariaDb(folder) as mariadb, Redis(folder) as redis:
        yield Production(mariadb, redis)
