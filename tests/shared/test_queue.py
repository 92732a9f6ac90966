"""Hints through a real broker."""

import time

import pytest
from celery import Celery

from shared.messages import GPU, IO, Wake
from shared.queue import Queue, celery_app
from shared.settings import Settings


@pytest.fixture
def celery(settings: Settings) -> Celery:
    """Its queue is empty: other tests send hints too."""
    app = celery_app(settings.celery_url)
    with app.connection_for_write() as connection:
        connection.default_channel.queue_purge(GPU)
    return app


def waiting(app: Celery) -> int:
    with app.connection_for_read() as connection:
        return int(connection.default_channel.queue_declare(GPU).message_count)


def test_a_hint_waits_in_its_queue(celery: Celery) -> None:
    assert Queue(celery).send(Wake())
    assert waiting(celery) == 1


def test_a_hint_carries_the_queues_name_and_nothing_else(celery: Celery) -> None:
    Queue(celery).send(Wake())

    with celery.connection_for_read() as connection:
        message = connection.SimpleQueue(GPU).get(timeout=5)
        message.ack()

    assert message.headers["task"] == "darkroom.wake"
    assert message.decode()[:2] == [[], {"queue": "gpu"}]


def test_a_broker_that_is_away_costs_little_time_and_no_error() -> None:
    queue = Queue(celery_app("redis://127.0.0.1:1/0"))
    started = time.monotonic()

    assert not queue.send(Wake())
    assert time.monotonic() - started < 2


def test_no_hint_travels_for_a_queue_that_nobody_listens_to(celery: Celery) -> None:
    with celery.connection_for_write() as connection:
        connection.default_channel.queue_declare(IO)

        assert not Queue(celery).send(Wake(IO))
        assert connection.default_channel.queue_declare(IO).message_count == 0
