"""The Dockerfiles and docker-compose.yml agree with the code and with each other."""

import importlib.util
import json
import re
from typing import Any

import pytest
from flask import Flask

from backend.api.ops import VERSION
from shared.launch import serve
from shared.settings import ROOT, Settings

WEB, WORKER = ROOT / "backend/Dockerfile", ROOT / "worker/Dockerfile"
DOCKERFILES = [pytest.param(WEB, id="web"), pytest.param(WORKER, id="worker")]
OF_LIBRARIES = {"CUDA_VISIBLE_DEVICES", "HF_HOME", "HF_TOKEN", "HF_HUB_OFFLINE", "PYTHONUNBUFFERED"}
OF_LIBRARIES |= {"PYTHONDONTWRITEBYTECODE"}
SETTINGS = {field.upper() for field in Settings.model_fields}

Compose = dict[str, Any]


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_image_runs_as_a_user_of_its_own(dockerfile: Any) -> None:
    assert _last(dockerfile.read_text("utf-8"), "USER") == "darkroom"


def test_both_images_write_to_the_shared_volume_as_the_same_user() -> None:
    numbers = [re.findall(r"--[gu]id (\d+)", path.read_text("utf-8")) for path in (WEB, WORKER)]

    assert numbers[0] == numbers[1]


@pytest.mark.parametrize(
    ("dockerfile", "command"),
    [pytest.param(WEB, serve.WEB, id="web"), pytest.param(WORKER, serve.WORKER, id="worker")],
)
def test_image_runs_the_command_that_start_sh_runs(dockerfile: Any, command: Any) -> None:
    run = json.loads(_last(dockerfile.read_text("utf-8"), "CMD"))

    assert run == ["python", *command.arguments[1:]]


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_image_sets_only_variables_that_somebody_reads(dockerfile: Any) -> None:
    line = _last(dockerfile.read_text("utf-8"), "ENV")

    assert set(re.findall(r"([A-Z_]+)=", line)) <= SETTINGS | OF_LIBRARIES


def test_image_of_the_web_tier_has_no_worker_in_it() -> None:
    copied = re.findall(r"^COPY ([a-z]\S+)", WEB.read_text("utf-8"), re.MULTILINE)

    requirements = ["backend/requirements-mysql.txt", "backend/requirements.txt", "shared/requirements.txt"]
    assert sorted(copied) == sorted(["backend/", "shared/", *requirements])


def test_ports_of_image_and_compose_are_the_same(compose: Compose) -> None:
    text = WEB.read_text("utf-8")
    inside = re.findall(r"PORT=(\d+)", text) + re.findall(r"^EXPOSE (\d+)", text, re.MULTILINE)
    (published,) = compose["services"]["proxy"]["ports"]

    assert inside == ["8000", "8000"]
    assert published == "${HOST:-127.0.0.1}:${PORT:-8000}:8080"
    assert Settings.model_fields["port"].default == 8000


def test_only_the_proxy_is_reached_from_outside(compose: Compose) -> None:
    services = compose["services"]

    assert [name for name in services if "ports" in services[name]] == ["proxy"]
    assert compose["networks"]["data"]["internal"]
    assert {name for name in services if services[name].get("networks") == ["data"]} == {"mysql", "redis"}


def test_health_check_of_the_web_tier_asks_a_public_route_on_its_port(app: Flask) -> None:
    (port, path) = re.findall(r"http://127\.0\.0\.1:(\d+)(/[a-z]+)", WEB.read_text("utf-8"))[0]

    assert port == "8000"
    assert app.test_client().get(path).status_code == 200


def test_health_check_of_the_worker_runs_a_module_that_exists() -> None:
    (module,) = re.findall(r'HEALTHCHECK.*?"-m", "(\S+)"', WORKER.read_text("utf-8"), re.DOTALL)

    assert importlib.util.find_spec(module)


def test_compose_gives_web_and_worker_every_setting_but_their_address(compose: Compose) -> None:
    for service in ("web", "migrate", "worker"):
        given = set(compose["services"][service]["environment"])

        assert SETTINGS - given == {"HOST", "PORT"}
        assert given - SETTINGS <= OF_LIBRARIES


def test_compose_gives_the_services_addresses_that_it_has_itself(compose: Compose) -> None:
    environment = compose["services"]["web"]["environment"]
    database, broker = environment["DATABASE_URL"], environment["BROKER_URL"]

    assert re.fullmatch(r"mysql://darkroom:\$\{MYSQL_PASSWORD:\?[^}]+\}@mysql/darkroom", database)
    assert broker == "redis://redis:6379/0"
    assert {"mysql", "redis"} <= compose["services"].keys()


def test_compose_refuses_to_start_without_secrets(compose: Compose) -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")

    secrets = re.findall(r"\$\{((?:SECRET|MYSQL)_[A-Z_]+)(.{2})", text)

    assert {name for name, _ in secrets} == {"SECRET_KEY", "MYSQL_PASSWORD", "MYSQL_ROOT_PASSWORD"}
    assert {demand for _, demand in secrets} == {":?"}


def test_compose_migrates_before_web_and_worker_start(compose: Compose) -> None:
    services = compose["services"]

    assert services["migrate"]["command"] == ["python", *serve.MIGRATIONS.arguments[1:]]
    for service in ("web", "worker"):
        assert services[service]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_compose_starts_web_and_worker_with_the_commands_of_their_images(compose: Compose) -> None:
    for service in ("web", "worker"):
        assert not {"command", "entrypoint"} & compose["services"][service].keys()


def test_compose_gives_every_service_a_health_check_or_its_image_has_one(compose: Compose) -> None:
    checked = {name for name, service in compose["services"].items() if "healthcheck" in service}
    built = {
        name
        for name, service in compose["services"].items()
        if "build" in service and "HEALTHCHECK" in (ROOT / service["build"]["dockerfile"]).read_text("utf-8")
    }

    assert checked | built == compose["services"].keys()


def test_compose_can_start_many_workers(compose: Compose) -> None:
    worker = compose["services"]["worker"]

    assert not {"container_name", "ports", "hostname"} & worker.keys()


def test_compose_reserves_a_graphics_card_for_the_worker(compose: Compose) -> None:
    (device,) = compose["services"]["worker"]["deploy"]["resources"]["reservations"]["devices"]

    assert device["driver"] == "nvidia"
    assert device["capabilities"] == ["gpu"]


def test_compose_keeps_redis_from_dropping_hints(compose: Compose) -> None:
    command = compose["services"]["redis"]["command"]

    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def test_compose_declares_the_volumes_that_it_mounts(compose: Compose) -> None:
    mounts = [mount for service in compose["services"].values() for mount in service.get("volumes", [])]
    sources = {mount.replace("${MODELS_DIR:-models}", "models").split(":")[0] for mount in mounts}
    files = {source for source in sources if source.startswith("./")}

    assert sources - files == compose["volumes"].keys()
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_compose_gives_web_and_worker_time_to_stop(compose: Compose) -> None:
    (graceful,) = re.findall(
        r"^graceful_timeout = (\d+)", (ROOT / "backend/gunicorn.conf.py").read_text(), re.MULTILINE
    )
    periods = {name: compose["services"][name]["stop_grace_period"] for name in ("web", "worker")}

    assert int(periods["web"].removesuffix("s")) > serve.WEB.grace > int(graceful)
    assert int(periods["worker"].removesuffix("s")) >= serve.WORKER.grace


def test_no_image_is_whatever_is_newest(compose: Compose) -> None:
    images = {name: service["image"].rpartition(":") for name, service in compose["services"].items()}
    bases = [re.findall(r"^FROM (\S+)", path.read_text("utf-8"), re.MULTILINE) for path in (WEB, WORKER)]

    assert [name for name, (_, _, tag) in images.items() if tag in {"", "latest"}] == []
    assert {images[name][2] for name in ("migrate", "web", "worker")} == {VERSION}
    assert {base for found in bases for base in found} == {"python:3.11-slim-bookworm"}


def test_containers_get_no_more_rights_and_no_more_memory_than_they_need(compose: Compose) -> None:
    for name, service in compose["services"].items():
        limits = service["deploy"]["resources"]["limits"]

        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert set(limits) == {"memory", "pids"}, name


def test_containers_write_to_their_volumes_and_to_memory_only(compose: Compose) -> None:
    writable = {name for name, service in compose["services"].items() if not service.get("read_only")}

    assert writable == {"mysql"}, "whose image prepares an empty volume as root"


def test_the_worker_may_run_what_it_compiles(compose: Compose) -> None:
    uid, home = 10001, "/home/darkroom"

    folders = dict(mount.partition(":")[::2] for mount in compose["services"]["worker"]["tmpfs"])

    assert f"useradd --uid {uid}" in WORKER.read_text("utf-8")
    assert {path for path, options in folders.items() if "exec" in options.split(",")} == {"/tmp", home}  # noqa: S108
    assert f"uid={uid}" in folders[home]


def test_the_proxy_may_read_the_files_and_the_service_believes_it(compose: Compose) -> None:
    proxy, environment = compose["services"]["proxy"], compose["services"]["web"]["environment"]

    assert proxy["group_add"] == re.findall(r"groupadd --gid (\d+)", WEB.read_text("utf-8"))
    assert "files:/data:ro" in proxy["volumes"]
    assert environment["TRUSTED_PROXIES"] == "${TRUSTED_PROXIES:-1}"
    assert environment["ACCEL_REDIRECT"] == "${ACCEL_REDIRECT-/_files/}"


def test_build_context_has_no_secrets_in_it() -> None:
    rules = (ROOT / ".dockerignore").read_text("utf-8").splitlines()

    assert rules[1] == "*"
    assert {rule for rule in rules if rule.startswith("!")} == {"!backend/", "!shared/", "!worker/"}
    assert rules[-1] == "**/.*"


def _last(dockerfile: str, instruction: str) -> str:
    """The arguments of the last such instruction; a HEALTHCHECK's CMD is indented and so none."""
    return re.findall(rf"^{instruction} (.+)$", dockerfile, re.MULTILINE)[-1]
