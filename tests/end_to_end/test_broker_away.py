"""Tasks are taken, run, cancelled and given back with no broker at all, and go on when there is one again."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from shared import db
from shared.lifecycle import Status
from shared.models import Task
from tests.end_to_end.service import Client, Service
from tests.orders import row
from tests.servers import Redis, missing_servers


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    missing_servers()
    (tmp_path / "redis").mkdir()
    with Redis(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def service(tmp_path: Path, redis: Redis) -> Iterator[Service]:
    running = Service(tmp_path / "data", BROKER_URL=redis.url(0))
    running.start()
    yield running
    running.end()


@pytest.fixture
def engine(service: Service) -> Engine:
    return db.connect(f"sqlite:///{service.data_dir / 'darkroom.db'}")


def waited(task: Task) -> timedelta:
    assert task.started_at is not None
    return task.started_at - task.created_at


def test_without_a_broker_tasks_run_within_seconds_and_a_stop_gives_back(
    service: Service, redis: Redis, engine: Engine
) -> None:
    client = Client(service).sign_up()
    redis.kill()

    done = [client.submit(steps=2), client.submit(steps=3)]
    for task in done:
        client.result(task, seconds=20)
    redis.start()
    heard = client.submit(steps=2)
    client.result(heard, seconds=20)
    redis.kill()
    long = client.submit(steps=100, num_images=8)
    service.wait_for(lambda: row(engine, long).status == Status.PROCESSING, "the long task to run")
    left = service.stop()

    assert max(waited(row(engine, task)) for task in (*done, heard)) < timedelta(seconds=3)
    assert left == []
    assert (row(engine, long).status, row(engine, long).attempt) == (Status.QUEUED, 0)
    engine.dispose()
