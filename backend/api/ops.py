"""For whoever runs the service: is it alive, can it work."""

from flask import Blueprint, Response, jsonify
from pydantic import BaseModel

from backend import metrics
from backend.contract import Api, Caller
from backend.dialects.bare import BareDialect
from backend.texts import say
from backend.wiring import services

VERSION = "1.0.0"

api = Api(Blueprint("ops", __name__), BareDialect())
APIS = (api,)


class Alive(BaseModel):
    status: str


class Health(BaseModel):
    status: str
    message: str
    version: str


@api.route("GET", "/healthz", caller=Caller.PUBLIC, returns=Alive)
def alive() -> Alive:
    """The process answers."""
    return Alive(status="ok")


@api.route("GET", "/readyz", caller=Caller.PUBLIC)
def ready() -> Response:
    """Database, broker, storage and a worker that takes tasks are there; 503 says which is missing."""
    readiness = services().readiness
    workers = readiness.workers()
    checks = readiness.checks(workers)
    complete = set(checks.values()) == {"ok"}
    response = jsonify({"status": "ready" if complete else "not ready", "checks": checks, "workers": workers})
    response.status_code = 200 if complete else 503
    return response


@api.route("GET", "/metrics", caller=Caller.SCRAPER, produces=("text/plain",))
def measured() -> Response:
    """What Prometheus asks for."""
    gauges = services().gauges
    return Response(metrics.exposition(gauges.samples(), gauges.told()), content_type=metrics.CONTENT_TYPE)


@api.route("GET", "/api/health", caller=Caller.PUBLIC, returns=Health)
def health() -> Health:
    """The health check that clients of the image contract know."""
    return Health(status="success", message=say("healthy"), version=VERSION)
