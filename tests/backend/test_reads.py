"""Reads past SQLAlchemy's execution: the same values, and the same errors."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, String, bindparam, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from backend.reads import Reads
from shared.lifecycle import Status
from shared.models import Task
from tests.conftest import Stack
from tests.orders import add_task, add_user

TASKS = Task.__table__.c
BY_NAME = select(*TASKS).where(TASKS.public_id == bindparam("name", type_=String), TASKS.status == Status.QUEUED)


@pytest.fixture
def reads(stack: Stack) -> Iterator[Reads]:
    reads = Reads.of(stack.database_url, 2)
    yield reads
    reads.close()


@pytest.fixture
def task(engine: Engine) -> str:
    return add_task(engine, add_user(engine), prompt="a 红色 circle \U0001f534 100% sure")


def test_every_column_is_what_sqlalchemy_reads(reads: Reads, engine: Engine, task: str) -> None:
    with engine.connect() as connection:
        expected = connection.execute(BY_NAME, {"name": task}).one()

    found = reads.one(BY_NAME, name=task)

    assert found._asdict() == dict(expected._mapping)


def test_what_is_not_there_is_none(reads: Reads, task: str) -> None:
    assert reads.one(BY_NAME, name="another") is None


def test_what_was_committed_in_between_is_seen(reads: Reads, engine: Engine, task: str) -> None:
    before = reads.one(BY_NAME, name=task)
    with engine.begin() as connection:
        connection.execute(Task.__table__.update().values(prompt="another"))

    assert before is not None
    assert reads.one(BY_NAME, name=task).prompt == "another"  # type: ignore[union-attr]


def test_values_are_values_whatever_they_look_like(reads: Reads, task: str) -> None:
    assert reads.one(BY_NAME, name=f"{task}' OR '1'='1") is None
    assert reads.one(BY_NAME, name="100%s") is None


def test_a_read_holds_nothing_afterwards(reads: Reads, engine: Engine, task: str) -> None:
    reads.one(BY_NAME, name=task)

    with engine.begin() as connection:  # a transaction left open would be in the way of this
        connection.execute(text("DROP TABLE IF EXISTS never_there"))
        connection.execute(Task.__table__.update().values(prompt="another"))

    assert reads.scalar(select(TASKS.prompt)) == "another"


def test_there_are_never_more_connections_than_threads(reads: Reads, task: str) -> None:
    pool = reads._engine.pool
    assert isinstance(pool, QueuePool)
    used = []

    for _ in range(3):
        reads.one(BY_NAME, name=task)
        used.append(pool.checkedout())
        reads.all(select(TASKS.id))
        used.append(pool.checkedout())

    assert used == [1, 0] * 3
    assert pool.checkedin() == 1


@pytest.mark.parametrize("stack", ["mariadb"], indirect=True)
@pytest.mark.parametrize("way", ["one", "all"])
def test_a_server_that_closed_the_connections_is_asked_anew(reads: Reads, engine: Engine, task: str, way: str) -> None:
    reads.one(BY_NAME, name=task)
    with engine.connect() as connection:
        mine = connection.scalar(text("SELECT CONNECTION_ID()"))
        for other in connection.scalars(text("SELECT id FROM information_schema.processlist WHERE command = 'Sleep'")):
            if other != mine:
                connection.execute(text(f"KILL {other}"))

    found = reads.one(BY_NAME, name=task) if way == "one" else reads.all(select(TASKS.id))[0]

    assert found is not None


def test_a_database_that_cannot_be_reached_is_sqlalchemys_error() -> None:
    away = Reads.of("mysql+pymysql://nobody@127.0.0.1:1/none", 1)

    with pytest.raises(DBAPIError):
        away.all(select(TASKS.id))
    with pytest.raises(DBAPIError):
        away.one(BY_NAME, name="x")
