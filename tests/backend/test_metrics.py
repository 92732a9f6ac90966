"""What Prometheus gets to read, and who else does not."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr
from sqlalchemy import Engine, update

from backend import create_app
from shared import db
from shared.claims import Claims
from shared.models import Worker
from shared.settings import Settings
from shared.tallies import BATCH, Tally
from shared.workers import State, Told
from tests.backend.conftest import Person
from tests.orders import add_task, add_user
from tests.queues import add_rate
from tests.servers import free_port
from worker.registry import Registry

TOKEN = "a token of the tests"
SCRAPER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"metrics_token": SecretStr(TOKEN)})


def value(client: FlaskClient, sample: str) -> float:
    """Of one sample, zero while there is none; counters are the process's, so tests look at how they grow."""
    found = re.search(rf"^{re.escape(sample)} (\S+)$", client.get("/metrics", headers=SCRAPER).text, re.M)
    return float(found[1]) if found else 0.0


def test_the_format_is_prometheus_own(client: FlaskClient) -> None:
    answer = client.get("/metrics", headers=SCRAPER)

    assert (answer.status_code, answer.content_type) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert "# TYPE darkroom_request_seconds histogram" in answer.text


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "Basic abc", "Bearer", f"Bearer {TOKEN}x"])
def test_without_the_token_there_is_nothing_to_read(client: FlaskClient, authorization: str) -> None:
    answer = client.get("/metrics", headers={"Authorization": authorization})

    assert answer.status_code == 401
    assert "darkroom_" not in answer.text


def test_a_users_token_is_not_enough(alice: Person) -> None:
    assert alice.call("GET", "/metrics").status_code == 401


def test_while_no_token_is_set_there_is_no_such_page(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"metrics_token": SecretStr("")}))

    assert app.test_client().get("/metrics", headers=SCRAPER).status_code == 404

    app.extensions["darkroom"].close()


def test_a_request_counts_under_its_route_and_status(client: FlaskClient, alice: Person) -> None:
    route = 'contract="v1",method="GET",route="/api/v1/generation/<task_id>",status="404"'
    before = value(client, f"darkroom_request_seconds_count{{{route}}}")

    alice.call("GET", "/api/v1/generation/task_unknown")

    assert value(client, f"darkroom_request_seconds_count{{{route}}}") == before + 1


def test_made_up_paths_make_no_series_of_their_own(client: FlaskClient) -> None:
    client.get("/made/up/by/somebody")

    assert "made/up" not in client.get("/metrics", headers=SCRAPER).text


def test_what_waits_and_runs_is_counted_by_model(client: FlaskClient, engine: Engine, worker: Claims) -> None:
    user = add_user(engine)
    for _ in range(3):
        add_task(engine, user, age=60)
    worker.claim("gpu", lambda shape: 1)
    labels = 'kind="t2i",model="tiny",queue="gpu"'

    assert value(client, f'darkroom_tasks{{{labels},status="queued"}}') == 2
    assert value(client, f'darkroom_tasks{{{labels},status="processing"}}') == 1
    assert 60 <= value(client, 'darkroom_queue_oldest_seconds{queue="gpu"}') < 120


def test_workers_are_counted_by_what_they_are_at(client: FlaskClient, engine: Engine) -> None:
    Registry(engine, "w" * 32, "n" * 32).beat(Told(State.IDLE, memory=123))

    assert value(client, 'darkroom_workers{state="idle"}') == 1
    assert value(client, 'darkroom_workers{state="gone"}') == 0
    assert 'worker="' + "w" * 32 + '"} 123.0' in client.get("/metrics", headers=SCRAPER).text


def test_what_a_user_calls_a_providers_model_is_no_label(client: FlaskClient, engine: Engine) -> None:
    user = add_user(engine)
    add_task(engine, user, queue="io", model="my secret", provider="mine")
    add_task(engine, user, queue="io", model="my other", provider="mine")

    answer = client.get("/metrics", headers=SCRAPER).text

    assert 'darkroom_tasks{kind="t2i",model="(provider)",queue="io",status="queued"} 2.0' in answer
    assert "my secret" not in answer


def test_each_worker_tells_what_it_has_measured(client: FlaskClient, engine: Engine) -> None:
    tally = Tally("histogram", "darkroom_batch_tasks", "", "model", "kind", bounds=BATCH.bounds)
    for size in (1, 3, 4, 40):
        tally.add("tiny", "t2i", value=size)
    tallies = {tally.name: tally.tell(), "darkroom_retries": [(["tiny", "t2i"], [2], 2)]}
    for worker in ("a", "b"):
        Registry(engine, worker, f"node of {worker}").beat(Told(State.IDLE, tallies=tallies))

    read = {line for line in client.get("/metrics", headers=SCRAPER).text.splitlines() if 'worker="b"' in line}

    of_it = 'kind="t2i",model="tiny",worker="b"'
    buckets = {"1.0": 1, "2.0": 1, "4.0": 3, "8.0": 3, "16.0": 3, "+Inf": 4}
    counted = {
        f'darkroom_batch_tasks_bucket{{kind="t2i",le="{le}",model="tiny",worker="b"}} {n}.0'
        for le, n in buckets.items()
    }
    sums = {f"darkroom_batch_tasks_sum{{{of_it}}} 48.0", f"darkroom_batch_tasks_count{{{of_it}}} 4.0"}
    assert counted | sums | {f"darkroom_retries_total{{{of_it}}} 2.0"} <= read


def test_what_another_version_of_a_worker_tells_does_no_harm(client: FlaskClient, engine: Engine) -> None:
    odd = {
        "darkroom_batch_tasks": [(["tiny"], [1], 1.0), (["tiny", "t2i"], [1, 2], 3.0)],
        "darkroom_new": [([], [1], 1)],
    }
    Registry(engine, "new", "n").beat(Told(State.IDLE, tallies=odd))
    Registry(engine, "old", "o").beat(Told(State.IDLE))
    with db.write(engine) as connection:
        connection.execute(update(Worker).where(Worker.id == "old").values(tallies=None))

    answer = client.get("/metrics", headers=SCRAPER)

    assert answer.status_code == 200
    assert "darkroom_batch_tasks_bucket" not in answer.text


def test_how_wrong_the_told_times_were_is_there_once_it_is_known(client: FlaskClient, engine: Engine) -> None:
    add_rate(engine, "tiny", 0.5, etas=4, eta_error=0.25, eta_covered=0.75)
    add_rate(engine, "unused", 0.5)

    assert value(client, 'darkroom_eta_error_ratio{kind="t2i",model="tiny"}') == 0.25
    assert value(client, 'darkroom_eta_covered_ratio{kind="t2i",model="tiny"}') == 0.75
    assert value(client, 'darkroom_seconds_per_unit{kind="t2i",model="unused"}') == 0.5
    assert 'darkroom_eta_error_ratio{kind="t2i",model="unused"}' not in client.get("/metrics", headers=SCRAPER).text


def test_with_the_database_away_what_the_process_measured_is_still_there(settings: Settings) -> None:
    away = SecretStr(f"mysql://nobody@127.0.0.1:{free_port()}/none")
    app = create_app(settings.model_copy(update={"database_url": away}))
    client = app.test_client()

    assert value(client, "darkroom_database_up") == 0
    assert "darkroom_request_seconds" in client.get("/metrics", headers=SCRAPER).text

    app.extensions["darkroom"].close()


class TestWithoutRedis:
    """What fails open says so."""

    @pytest.fixture
    def app(self, settings: Settings) -> Iterator[Flask]:
        away = SecretStr(f"redis://127.0.0.1:{free_port()}/0")
        app = create_app(settings.model_copy(update={"broker_url": away, "limits": True}))
        yield app
        app.extensions["darkroom"].close()

    def test_the_limiter_does(self, app: Flask) -> None:
        client = app.test_client()
        before = value(client, 'darkroom_degraded_total{event="limits_unavailable"}')

        client.post("/login", json={})

        assert value(client, 'darkroom_degraded_total{event="limits_unavailable"}') > before

    def test_counting_failed_logins_does(self, app: Flask) -> None:
        client = app.test_client()
        before = value(client, 'darkroom_degraded_total{event="logins_not_counted"}')

        client.post("/login", json={"username": "nobody", "password": "Wrong@1234"})

        assert value(client, 'darkroom_degraded_total{event="logins_not_counted"}') == before + 1

    def test_a_hint_that_was_not_sent_does(self, app: Flask, alice: Person) -> None:
        client = app.test_client()
        before = value(client, 'darkroom_degraded_total{event="hint_not_sent"}')

        answer = Person(client, alice.account, alice.token).submit()

        assert answer.status_code == 200
        assert value(client, 'darkroom_degraded_total{event="hint_not_sent"}') == before + 1
