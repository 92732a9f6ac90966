"""Health, documents and the ways in."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import validate
from sqlalchemy import Engine

from backend.resources import Resources
from shared.progress import redis_client
from shared.settings import Settings
from shared.workers import State, Told
from worker.registry import Registry

CONTRACTS = ("v1", "image", "gin", "user", "captcha", "admin")


def test_a_living_process_says_so(client: FlaskClient) -> None:
    assert (client.get("/healthz").status_code, client.get("/healthz").get_json()) == (200, {"status": "ok"})


def test_the_documented_health_check_answers_as_documented(client: FlaskClient) -> None:
    assert client.get("/api/health").get_json() == {
        "message": "API服务运行正常",
        "status": "success",
        "version": "1.0.0",
    }


def beat(engine: Engine, state: State = State.IDLE, worker_id: str = "w") -> None:
    Registry(engine, worker_id, f"node of {worker_id}").beat(Told(state))


def test_the_service_is_ready_when_everything_is_there(client: FlaskClient, engine: Engine) -> None:
    beat(engine)

    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.get_json()["checks"] == {"database": "ok", "broker": "ok", "storage": "ok", "worker": "ok"}


def missing(client: FlaskClient) -> set[str]:
    response = client.get("/readyz")
    assert response.status_code == 503
    return {name for name, state in response.get_json()["checks"].items() if state != "ok"}


def test_without_a_live_worker_the_service_is_not_ready(client: FlaskClient) -> None:
    assert missing(client) == {"worker"}


@pytest.mark.parametrize("state", [State.DRAINING, State.STALLED, State.GONE])
def test_a_worker_that_takes_no_tasks_does_not_make_the_service_ready(
    client: FlaskClient, engine: Engine, state: State
) -> None:
    beat(engine, state)

    assert missing(client) == {"worker"}


@pytest.mark.parametrize("state", [State.LOADING, State.IDLE])
def test_one_that_loads_its_model_will_take_them(client: FlaskClient, engine: Engine, state: State) -> None:
    beat(engine, State.DRAINING, "w1")
    beat(engine, state, "w2")

    response = client.get("/readyz")

    assert response.status_code == 200
    assert {s: n for s, n in response.get_json()["workers"].items() if n} == {"draining": 1, state: 1}


def test_without_the_broker_the_service_is_not_ready(app: Flask, client: FlaskClient, engine: Engine) -> None:
    beat(engine)
    resources: Resources = app.extensions["darkroom"]
    object.__setattr__(resources, "redis", redis_client("redis://127.0.0.1:1/0"))

    assert missing(client) == {"broker"}


def test_without_a_place_for_files_the_service_is_not_ready(
    client: FlaskClient, engine: Engine, settings: Settings
) -> None:
    beat(engine)
    (settings.data_dir / "files").write_text("not a folder")

    assert missing(client) == {"storage"}


def test_without_the_database_the_service_is_alive_and_not_ready(client: FlaskClient, monkeypatch: Any) -> None:
    from sqlalchemy.exc import OperationalError
    from sqlalchemy.orm import Session

    def away(*_: object, **__: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("gone away"))

    monkeypatch.setattr(Session, "execute", away)
    monkeypatch.setattr(Session, "scalar", away)

    assert missing(client) == {"database", "worker"}
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_openapi_document_is_valid(client: FlaskClient, contract: str) -> None:
    validate(client.get(f"/openapi/{contract}.json").get_json())


def test_the_openapi_documents_together_have_every_route_of_the_contracts(app: Flask, client: FlaskClient) -> None:
    documents = [client.get(f"/openapi/{contract}.json").get_json() for contract in CONTRACTS]
    blueprints = {api.blueprint.name for api in app.extensions["apis"]} - {"ops"}

    served = {
        re.sub(r"<(?:[^:<>]+:)?(\w+)>", r"{\1}", rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.endpoint.split(".")[0] in blueprints
    }

    assert {path for document in documents for path in document["paths"]} == served


def test_the_docs_page_offers_every_contract(client: FlaskClient) -> None:
    page = client.get("/docs/").get_data(as_text=True)

    assert all(f"/openapi/{contract}.json" in page for contract in CONTRACTS)


def test_the_docs_page_needs_nothing_from_elsewhere(client: FlaskClient) -> None:
    page = client.get("/docs/").get_data(as_text=True)

    linked = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert linked
    assert all(client.get(link, buffered=True).status_code == 200 for link in linked)


def test_the_front_door_leads_to_the_docs(client: FlaskClient) -> None:
    assert client.get("/").headers["Location"] == "/docs/"


@pytest.mark.parametrize("path", ["/nope", "/api/nope", "/api/v1/nope", "/generated_outputs/"])
def test_an_unknown_path_is_answered_in_an_envelope(client: FlaskClient, path: str) -> None:
    response = client.get(path)

    assert response.status_code == 404
    assert response.get_json()["error"]["code"] == "not_found"
