"""One running service for each stack, shared by the tests that leave it as it was."""

from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import pytest

from tests.end_to_end.service import Client, Service
from tests.servers import MariaDb, Redis

SCRAPER = "a token of the tests"


@pytest.fixture(scope="package")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """SQLite and the broker that start.sh itself brings; Prometheus may read."""
    yield from _running(Service(tmp_path_factory.mktemp("embedded") / "data", METRICS_TOKEN=SCRAPER))


@pytest.fixture(scope="package")
def production(tmp_path_factory: pytest.TempPathFactory, real_servers: tuple[MariaDb, Redis]) -> Iterator[Service]:
    """MariaDB and Redis, by two settings, and a log for machines."""
    mariadb, redis = real_servers
    data = tmp_path_factory.mktemp("production") / "data"
    servers = {"DATABASE_URL": mariadb.url("end_to_end"), "BROKER_URL": redis.url(1)}
    yield from _running(Service(data, LOG_FORMAT="json", **servers))


@pytest.fixture(scope="package", params=["embedded", "production"])
def service(request: pytest.FixtureRequest) -> Service:
    found: Service = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="package")
def client(service: Service) -> Client:
    """A new user each time: with other files between, pytest makes this fixture again on the same service."""
    return Client(service).sign_up(f"user-{token_hex(4)}")


@pytest.fixture
def own_service(tmp_path: Path) -> Iterator[Service]:
    """One that a test may start, stop and kill."""
    service = Service(tmp_path / "data")
    yield service
    service.end()


def _running(service: Service) -> Iterator[Service]:
    service.start()
    yield service
    service.end()
