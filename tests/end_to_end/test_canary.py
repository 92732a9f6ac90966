"""A provider key that a user gave is nowhere but in its encrypted column, whatever happens to it."""

import base64
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import sqlalchemy
from PIL import Image

from shared import db
from tests.end_to_end.service import PASSWORD, Client, Service
from tests.fakes import provider as fake
from tests.fakes.provider import KEY, FakeProvider
from tests.servers import MariaDb, Redis

TRACES = (KEY, base64.b64encode(KEY.encode()).decode(), KEY[:-4])


class Recorder(Client):
    """A client that keeps every answer."""

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self.heard: list[bytes] = []

    def fetch(self, path: str, method: str = "GET", body: Any = None) -> bytes:
        answer = super().fetch(path, method, body)
        self.heard.append(answer)
        return answer


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with FakeProvider() as server:
        file = io.BytesIO()
        Image.new("RGB", (64, 64), "teal").save(file, "PNG")
        server.answers[fake.IMAGES] = fake.pictures({"b64_json": base64.b64encode(file.getvalue()).decode()})
        yield server


@pytest.fixture(params=["sqlite", "mariadb"])
def service(request: pytest.FixtureRequest, tmp_path: Path, provider: FakeProvider) -> Iterator[Service]:
    """One that logs all it can and lets a provider lie on this machine."""
    settings = {"PROVIDER_HOSTS": provider.place, "PROVIDER_SECONDS": "2", "LOG_LEVEL": "debug", "LIMITS": "false"}
    if request.param == "mariadb":
        mariadb: MariaDb
        broker: Redis
        mariadb, broker = request.getfixturevalue("real_servers")
        settings |= {"DATABASE_URL": mariadb.url("canary"), "BROKER_URL": broker.url(2)}
    running = Service(tmp_path / "data", **settings)
    running.start()
    yield running
    running.end()


def test_a_provider_key_leaves_no_trace(service: Service, provider: FakeProvider) -> None:
    client = Recorder(service)
    client.sign_up()
    key = {"api_name": "mine", "api_key": KEY, "model_name": "painter-1", "base_url": provider.base_url}
    created = client.call("POST", "/api/v1/user/apis", key)["data"]
    for path in ("/api/v1/user/apis", f"/api/v1/user/apis/{created['id']}", "/apis", "/apis/default"):
        client.call("GET", path)
    client.call("POST", f"/api/v1/user/apis/{created['id']}/test", {})
    client.call("POST", "/api/v1/prompts/enhance", {"prompt": "a lighthouse"})
    completed = _paint(client)
    picture = client.fetch(completed["result_url"])
    for trouble in (fake.status(401), fake.status(500), fake.raw(b"garbage"), fake.hang_up, fake.drip):
        provider.answers |= {fake.IMAGES: trouble, fake.CHAT: trouble, fake.MODELS: trouble}
        client.call("POST", "/api/v1/prompts/enhance", {"prompt": "a lighthouse"})
        client.call("POST", f"/api/v1/user/apis/{created['id']}/test", {})
        _paint(client)
    client.call("PUT", f"/api/v1/user/apis/{created['id']}", {"api_key": ""})
    client.call("GET", "/api/v1/user/generation_list")
    client.call("GET", "/openapi/v1.json")
    service.wait_for(lambda: "generation_failed" in service.said(), "the failures in the log")

    places = {
        "responses": b"\n".join(client.heard),
        "log": service.log.read_bytes(),
        "broker": _broker(service),
        "database": _database(service),
        "files": b"\n".join(path.read_bytes() for path in service.data_dir.rglob("*") if path.is_file()),
    }

    assert KEY in provider.heard[-1].headers["Authorization"], "the provider was really asked with it"
    assert completed["state"] == "completed"
    assert picture in places["files"]
    assert all(places.values())
    assert [(place, trace) for place, data in places.items() for trace in TRACES if trace.encode() in data] == []
    said = service.log.read_text("utf-8")
    assert [secret for secret in (PASSWORD, service.environment["SECRET_KEY"], client.token) if secret in said] == []


def _paint(client: Recorder) -> dict[str, Any]:
    """A task that the provider is asked to do, when it has ended."""
    task = client.submit(provider="mine")
    return client.until(task, lambda data: data["status"] != "processing", seconds=30)


def _broker(service: Service) -> bytes:
    """Every value in it, keys included."""
    url = service.environment.get("BROKER_URL") or f"unix://{service.data_dir / 'run' / 'broker.sock'}"
    connection = redis.Redis.from_url(url)
    connection.config_set("rdbcompression", "no")  # a dump is to have texts as they are
    keys = list(connection.scan_iter())
    deadline = time.monotonic() + 10
    while not keys and time.monotonic() < deadline:
        keys = list(connection.scan_iter())
    return b"\n".join(key + b" " + (connection.dump(key) or b"") for key in keys)


def _database(service: Service) -> bytes:
    """Every row of every table as text."""
    url = service.environment.get("DATABASE_URL") or f"sqlite:///{service.data_dir / 'darkroom.db'}"
    engine = db.connect(url)
    tables = sqlalchemy.MetaData()
    tables.reflect(engine)
    with engine.connect() as connection:
        rows = [str(row) for table in tables.sorted_tables for row in connection.execute(table.select())]
    engine.dispose()
    return "\n".join(rows).encode()
