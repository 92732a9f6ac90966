"""The manifests of deploy/kubernetes agree with the code, the images and each other."""

import importlib.util
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask
from sqlalchemy import Engine, text, update

from backend import create_app
from backend.api.ops import VERSION
from shared import db
from shared.clock import now
from shared.messages import GPU
from shared.models import Task
from shared.settings import ROOT, Settings
from tests.orders import add_task, add_user

FOLDER = ROOT / "deploy" / "kubernetes"
SETTINGS = {field.upper() for field in Settings.model_fields}
TIERS = ("web", "worker")
CLAIM = "persistentVolumeClaim"

Manifest = dict[str, Any]


def documents(*paths: Path) -> list[Manifest]:
    return [found for path in paths for found in yaml.safe_load_all(path.read_text("utf-8"))]


def kustomized(folder: str) -> list[Manifest]:
    """What `kubectl apply -k` of this folder sends, as far as names go."""
    (whole,) = documents(FOLDER / folder / "kustomization.yaml")
    below = [(FOLDER / folder / name).resolve() for name in whole["resources"]]
    of_folders = [found for path in below if path.is_dir() for found in kustomized(path.name)]
    return [*of_folders, *documents(*(path for path in below if path.is_file()))]


MANIFESTS = kustomized("keda")
SECRETS = documents(FOLDER / "secret.example.yaml")


def the(kind: str, name: str) -> Manifest:
    (found,) = [each for each in [*MANIFESTS, *SECRETS] if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


def pod(name: str) -> Manifest:
    spec: Manifest = the("Deployment", name)["spec"]["template"]["spec"]
    return spec


def containers(name: str) -> list[Manifest]:
    return [*pod(name).get("initContainers", []), *pod(name)["containers"]]


def commands() -> Iterator[list[str]]:
    for tier in TIERS:
        for container in containers(tier):
            yield container.get("command", [])
            yield container.get("readinessProbe", {}).get("exec", {}).get("command", [])
            yield container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", [])


def test_every_file_is_applied_or_an_example() -> None:
    wholes = [documents(FOLDER / folder / "kustomization.yaml")[0] for folder in ("base", "keda")]
    applied = {name for whole in wholes for name in whole["resources"]}

    files = {path.name for path in FOLDER.rglob("*.yaml")} - {"kustomization.yaml"}

    assert files - applied == {"secret.example.yaml"}
    assert applied - files == {"../base"}


def test_settings_and_secrets_have_the_services_names() -> None:
    settings, secrets = the("ConfigMap", "settings")["data"], the("Secret", "secrets")["stringData"]

    assert settings.keys() | secrets.keys() <= SETTINGS
    assert {"SECRET_KEY", "DATABASE_URL", "BROKER_URL"} <= settings.keys() | secrets.keys()
    assert Settings(_env_file=None, secret_key="s" * 40, **{name.lower(): value for name, value in settings.items()})


def test_the_example_has_no_secret() -> None:
    values = [value for each in SECRETS for value in each["stringData"].values()]

    assert [value for value in values if value and "PASSWORD" not in value] == []


@pytest.mark.parametrize("tier", TIERS)
def test_every_container_gets_settings_and_secrets(tier: str) -> None:
    for container in containers(tier):
        assert container["envFrom"] == [{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "secrets"}}]


def test_what_pods_refer_to_is_there() -> None:
    claims = {claim["metadata"]["name"] for claim in MANIFESTS if claim["kind"] == "PersistentVolumeClaim"}
    for name in (*TIERS, "broker"):
        volumes = {volume["name"]: volume for volume in pod(name)["volumes"]}
        mounted = {mount["name"] for container in containers(name) for mount in container["volumeMounts"]}

        assert mounted == volumes.keys()
        claimed = {volume[CLAIM]["claimName"] for volume in volumes.values() if CLAIM in volume}
        assert claimed <= claims


def test_selectors_find_the_pods_they_are_for() -> None:
    labels = {name: the("Deployment", name)["spec"]["template"]["metadata"]["labels"] for name in (*TIERS, "broker")}

    for each in MANIFESTS:
        spec = each.get("spec", {})
        selector = spec.get("selector") or spec.get("podSelector") or {}
        wanted = selector.get("matchLabels", selector) if each["kind"] != "Service" else selector
        assert not wanted or wanted in labels.values(), each["metadata"]["name"]


def test_images_are_those_of_this_version() -> None:
    (base,) = documents(FOLDER / "base" / "kustomization.yaml")

    tags = {image["name"]: image["newTag"] for image in base["images"]}

    assert tags == {"darkroom-web": VERSION, "darkroom-worker": VERSION}
    assert {container["image"] for tier in TIERS for container in containers(tier)} == tags.keys()


def test_probes_ask_routes_that_are_public_on_the_port_of_the_image(tmp_path: Path) -> None:
    (web,) = pod("web")["containers"]
    app: Flask = create_app(Settings(_env_file=None, secret_key="s" * 40, data_dir=tmp_path))
    probes = [web[name]["httpGet"] for name in ("startupProbe", "readinessProbe", "livenessProbe")]

    answers = {app.test_client().get(probe["path"]).status_code for probe in probes}

    assert answers == {200}
    assert {probe["port"] for probe in probes} == {"http"}
    assert web["ports"] == [{"name": "http", "containerPort": Settings.model_fields["port"].default}]


def test_commands_are_modules_that_there_are() -> None:
    modules = [command[2] for command in commands() if command[:2] == ["python", "-m"]]

    assert set(modules) == {"shared.migrations", "worker.health", "worker.drain"}
    assert [module for module in modules if importlib.util.find_spec(module) is None] == []


def test_a_worker_has_longer_to_drain_than_it_takes_and_the_web_tier_longer_than_gunicorn() -> None:
    (worker,), (web,) = pod("worker")["containers"], pod("web")["containers"]
    drains = int(worker["lifecycle"]["preStop"]["exec"]["command"][-1])
    sleeps = int(web["lifecycle"]["preStop"]["exec"]["command"][-1])
    (graceful,) = re.findall(r"graceful_timeout = (\d+)", (ROOT / "backend" / "gunicorn.conf.py").read_text("utf-8"))

    assert pod("worker")["terminationGracePeriodSeconds"] > drains + 30
    assert pod("web")["terminationGracePeriodSeconds"] > sleeps + int(graceful)


def test_a_worker_is_not_restarted_because_the_database_is_away() -> None:
    (worker,) = pod("worker")["containers"]

    assert "livenessProbe" not in worker
    assert worker["readinessProbe"]["exec"]["command"][-1] == "worker.health"
    assert worker["resources"]["limits"]["nvidia.com/gpu"] == 1


@pytest.mark.parametrize("name", [*TIERS, "broker"])
def test_pods_get_no_rights(name: str) -> None:
    assert pod(name)["securityContext"]["runAsNonRoot"]
    assert pod(name)["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not pod(name)["automountServiceAccountToken"]
    for container in containers(name):
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"]
        assert not context["allowPrivilegeEscalation"]
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert "memory" in container["resources"]["limits"]


def test_pods_run_as_the_user_of_the_images() -> None:
    (uid,) = re.findall(r"useradd --uid (\d+)", (ROOT / "worker" / "Dockerfile").read_text("utf-8"))

    for tier in TIERS:
        context = pod(tier)["securityContext"]
        assert {context["runAsUser"], context["runAsGroup"], context["fsGroup"]} == {int(uid)}


def test_the_broker_drops_no_hints() -> None:
    (redis,) = pod("broker")["containers"]

    assert redis["args"][redis["args"].index("--maxmemory-policy") + 1] == "noeviction"
    assert the("ConfigMap", "settings")["data"]["BROKER_URL"].startswith("redis://broker:6379")


def test_workers_are_counted_by_what_waits_and_runs(engine: Engine) -> None:
    (trigger,) = the("ScaledObject", "worker")["spec"]["triggers"]
    user = add_user(engine)
    tasks = [add_task(engine, user) for _ in range(4)]
    add_task(engine, user, queue="io")
    with db.write(engine) as connection:
        for task, status in zip(tasks, ("queued", "processing", "completed", "failed"), strict=True):
            lease = now() + timedelta(hours=1) if status == "processing" else None
            connection.execute(update(Task).where(Task.public_id == task).values(status=status, lease_until=lease))

    with engine.connect() as connection:
        depth = connection.scalar(text(trigger["metadata"]["query"]))

    assert depth == 2
    assert f"queue = '{GPU}'" in trigger["metadata"]["query"]


def test_keda_scales_the_workers_with_a_login_that_the_example_has() -> None:
    scaled = the("ScaledObject", "worker")["spec"]
    (parameter,) = the("TriggerAuthentication", "queue-reader")["spec"]["secretTargetRef"]

    assert scaled["scaleTargetRef"] == {"name": the("Deployment", "worker")["metadata"]["name"]}
    assert scaled["triggers"][0]["authenticationRef"] == {"name": "queue-reader"}
    assert parameter["key"] in the("Secret", parameter["name"])["stringData"]
    assert "replicas" not in the("Deployment", "worker")["spec"]
