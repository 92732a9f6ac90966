"""Who may ask for what of the administration; workers, the queue, models, what is kept, and the audit log."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, delete, update

from backend.contract import Caller
from backend.reads import Reads
from backend.services.administration.usage import KEPT_SECONDS, Usage
from shared import db
from shared.claims import Claims
from shared.models import Task, User
from shared.settings import Settings
from shared.storage import LocalStorage
from shared.workers import State, Told
from tests.backend.admin import ADMIN, call, entries, refused
from tests.backend.conftest import Person
from tests.backend.made import make
from tests.backend.records import add_records, id_of, problem
from tests.queues import add_rate
from worker.registry import Registry

WORKER, NODE = "0123456789abcdef" * 2, "fedcba9876543210" * 2


@pytest.fixture
def registry(engine: Engine) -> Registry:
    """A worker's; it says what it is at."""
    registry = Registry(engine, WORKER, NODE)
    registry.beat(Told(State.IDLE, ("darkroom-demo",), ended=7, memory=1_234_567))
    return registry


def routes(app: Flask) -> list[tuple[str, str]]:
    """Every route of the administration."""
    found = []
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("admin."):
            [method] = (rule.methods or set()) - {"HEAD", "OPTIONS"}
            url = rule.build(dict.fromkeys(rule.arguments, "1"), append_unknown=False)
            found.append((method, url[1] if url else ""))
    return found


def test_every_route_is_for_administrators(app: Flask) -> None:
    [api] = [api for api in app.extensions["apis"] if api.blueprint.name == "admin"]

    assert {terms.caller for terms in api.contracts.values()} == {Caller.ADMIN}
    assert all(url.startswith(ADMIN) for _, url in routes(app))


def test_nobody_else_gets_in(app: Flask, client: FlaskClient, alice: Person, engine: Engine) -> None:
    asked = routes(app)

    strangers = {refused(client.open(url, method=method, json={})) for method, url in asked}
    users = {refused(alice.call(method, url, json={})) for method, url in asked}

    assert len(asked) > 20
    assert strangers == {(401, "token_missing")}
    assert users == {(403, "forbidden")}
    assert entries(engine) == []


def test_the_role_counts_now_not_when_the_token_was_made(admin: Person, engine: Engine) -> None:
    with db.write(engine) as connection:
        connection.execute(update(User).values(role="user"))

    assert refused(call(admin, "GET", "/workers")) == (403, "forbidden")


def test_a_worker_is_told_with_what_it_does(admin: Person, alice: Person, engine: Engine, registry: Registry) -> None:
    task = alice.submit().get_json()["data"]["task_id"]
    Claims(engine, WORKER, 15, 3).claim("gpu", lambda shape: 1)

    [worker] = call(admin, "GET", "/workers").get_json()["data"]

    assert (worker["id"], worker["state"], worker["models"]) == (WORKER, "busy", ["darkroom-demo"])
    assert (worker["tasks"], worker["done"], worker["memory_bytes"]) == ([task], 7, 1_234_567)
    assert worker["busy_since"]
    assert worker["silent_seconds"] < 5


@pytest.mark.parametrize("name", [WORKER, WORKER[:8], NODE[:8]])
def test_a_worker_is_drained_and_resumed(admin: Person, engine: Engine, registry: Registry, name: str) -> None:
    answer = call(admin, "POST", f"/workers/{name}/drain").get_json()["data"]
    drained = registry.beat(Told(State.IDLE))
    call(admin, "POST", f"/workers/{name}/resume")

    assert (answer, drained, registry.beat(Told(State.IDLE))) == ({"workers": 1}, True, False)
    assert entries(engine) == [("root", "worker.drain", name, {}), ("root", "worker.resume", name, {})]


def test_a_worker_that_is_not_there_is_not_found(admin: Person, engine: Engine, registry: Registry) -> None:
    names = ("nobody", WORKER[:7], "%25", "😀", "a%00b", "x" * 5000)

    answers = {refused(call(admin, "POST", f"/workers/{n}/{verb}")) for n in names for verb in ("drain", "resume")}

    assert answers == {(404, "not_found")}
    assert entries(engine) == []


def test_the_queue_is_counted_by_model_and_user(
    admin: Person, alice: Person, bob: Person, registry: Registry, worker: Claims
) -> None:
    for person in (alice, bob, alice):
        person.submit()
    worker.claim("gpu", lambda shape: 1)

    queue = call(admin, "GET", "/queue").get_json()["data"]

    assert (queue["waiting"], queue["running"]) == (2, 1)
    [line] = queue["by_model"]
    assert (line["model"], line["type"], line["waiting"], line["running"]) == ("darkroom-demo", "t2i", 2, 1)
    assert line["unserved"] is None
    assert 0 <= line["oldest_seconds"] == queue["oldest_seconds"] < 10
    assert {(each["account"], each["waiting"], each["running"]) for each in queue["by_user"]} == {
        ("alice", 1, 1),
        ("bobby", 1, 0),
    }


SERVED = (
    ({"model": "darkroom-demo"}, None),
    ({"model": "darkroom-demo", "kind": "t2v"}, "model_not_offered"),
    ({"model": "gone"}, "model_not_offered"),
    ({"model": "of a provider", "queue": "io"}, None),
    ({"model": "running still", "status": "processing"}, None),
)


@pytest.mark.parametrize("alive", [True, False])
def test_what_no_worker_will_take_is_said(
    admin: Person, alice: Person, engine: Engine, registry: Registry, alive: bool
) -> None:
    for values, _ in SERVED:
        add_records(engine, alice, {"status": "queued", **values})
    registry.beat(Told(State.IDLE if alive else State.DRAINING))

    lines = call(admin, "GET", "/queue").get_json()["data"]["by_model"]

    said = {(line["model"], line["type"]): line["unserved"] for line in lines}
    expected = {(values["model"], values.get("kind", "t2i")): reason for values, reason in SERVED}
    without = {key: None if key[0] == "running still" else "no_worker" for key in expected}
    assert said == (expected if alive else without)


def test_an_empty_queue_has_no_oldest_wait(admin: Person) -> None:
    queue = call(admin, "GET", "/queue").get_json()["data"]

    assert queue == {"waiting": 0, "running": 0, "oldest_seconds": None, "by_model": [], "by_user": []}


def test_models_are_told_with_who_has_them_and_how_fast_they_are(
    admin: Person, engine: Engine, registry: Registry
) -> None:
    add_rate(engine, "darkroom-demo", 2.5, runs=4, p90=1.5)

    model, clips = call(admin, "GET", "/models").get_json()["data"]

    assert (model["id"], model["kinds"], model["max_batch"]) == ("darkroom-demo", ["t2i", "i2i"], 4)
    assert model["loaded_by"] == [WORKER]
    [rate] = model["rates"]
    assert (rate["type"], rate["seconds_per_unit"], rate["p90"], rate["runs"]) == ("t2i", 2.5, 1.5, 4)
    assert rate["eta_error"] is None
    assert (clips["kinds"], clips["loaded_by"], clips["rates"]) == (["t2v", "i2v"], [], [])


def test_a_worker_that_is_gone_has_nothing_loaded(admin: Person, registry: Registry) -> None:
    registry.beat(Told(State.GONE, ("darkroom-demo",)))

    models = call(admin, "GET", "/models").get_json()["data"]

    assert {str(model["loaded_by"]) for model in models} == {"[]"}


def test_files_are_measured_by_kind_and_rows_by_table(
    admin: Person, alice: Person, worker: Claims, settings: Settings
) -> None:
    make(alice, worker, settings)
    LocalStorage(settings.data_dir / "files").save("uploads/aa/x.png", b"12345")

    storage = call(admin, "GET", "/storage").get_json()["data"]

    kinds = {each["kind"]: (each["files"], each["bytes"]) for each in storage["files"]}
    rows = {each["table"]: each["rows"] for each in storage["tables"]}
    assert kinds["uploads"] == (1, 5)
    assert kinds["results"][0] == 2
    assert (rows["users"], rows["tasks"], rows["audit_entries"]) == (2, 1, 0)
    assert storage["database_bytes"] > 10_000


def test_what_was_measured_serves_for_a_while(engine: Engine, settings: Settings) -> None:
    storage, moments = LocalStorage(settings.data_dir / "files"), iter([0.0, KEPT_SECONDS, KEPT_SECONDS + 1, 9e9])
    reads = Reads.of(settings.database, 1)
    usage = Usage(reads, storage, clock=lambda: next(moments))
    first = usage.kept()
    storage.save("uploads/aa/x.png", b"1")

    kept, anew = usage.kept(), usage.kept()

    assert (first.files, kept is first) == ([], True)
    assert anew.files[0].bytes == 1
    reads.close()


def test_the_audit_log_is_paged_and_filtered(admin: Person, engine: Engine, registry: Registry) -> None:
    for verb in ("drain", "resume", "drain"):
        call(admin, "POST", f"/workers/{NODE}/{verb}")

    first = call(admin, "GET", "/audit?limit=2").get_json()
    second = call(admin, "GET", f"/audit?limit=2&cursor={first['next_cursor']}").get_json()
    queries = (
        "action=worker.resume",
        "admin=nobody",
        f"subject={NODE}&admin=root",
        "end=2020-01-01",
        "start=2020-01-01",
    )
    found = [len(call(admin, "GET", f"/audit?{query}").get_json()["data"]) for query in queries]

    assert [entry["action"] for entry in first["data"] + second["data"]] == [
        "worker.drain",
        "worker.resume",
        "worker.drain",
    ]
    assert (first["data"][0]["admin"], first["data"][0]["subject"], second["next_cursor"]) == ("root", NODE, None)
    assert found == [1, 0, 3, 0, 3]


def test_an_entry_outlives_what_it_is_about(admin: Person, alice: Person, engine: Engine) -> None:
    task = alice.submit().get_json()["data"]["task_id"]
    call(admin, "DELETE", f"/tasks/{task}")
    with db.write(engine) as connection:
        connection.execute(delete(Task).where(Task.user_id == id_of(engine, alice)))

    [entry] = call(admin, "GET", f"/audit?subject={task}").get_json()["data"]

    assert (entry["action"], entry["details"]) == ("task.cancel", {"user": "alice"})


BAD_QUERIES = {
    "audit?cursor=bad": "cursor",
    "audit?action=user.eat": "action",
    "audit?limit=1000": "limit",
    "audit?admin=": "admin",
    "audit?subject=a%00b": "subject",
    "audit?start=now": "start",
    "audit?who=me": "who",
    "scale": "workers",
    "scale?workers=0": "workers",
    "scale?workers=1001": "workers",
    "scale?workers=many": "workers",
    "scale?workers=1.5": "workers",
    "scale?workers=1&workers=2": "workers",
}


def test_a_bad_query_is_refused_by_its_field(admin: Person) -> None:
    answers = {query: problem(call(admin, "GET", f"/{query}"))[:2] for query in BAD_QUERIES}

    assert answers == {query: (400, field) for query, field in BAD_QUERIES.items()}
