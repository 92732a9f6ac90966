"""What deploy/compose lays over docker-compose.yml: the whole that comes of it is still one."""

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.settings import ROOT, Settings

FOLDER = ROOT / "deploy" / "compose"
OVERLAYS = sorted(path.name for path in FOLDER.glob("*.yml"))
REPLACED = {"command", "entrypoint", "test"}  # lists that Compose does not join
SETTINGS = {field.upper() for field in Settings.model_fields}

Compose = dict[str, Any]


class Tagged(yaml.SafeLoader):
    """Knows Compose's own tags."""


class Instead:
    """What stands under !override, or nothing under !reset."""

    def __init__(self, value: Any) -> None:
        self.value = value


def _instead(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> Instead:
    assert tag in {"reset", "override"}
    if isinstance(node, yaml.SequenceNode):
        return Instead(loader.construct_sequence(node, deep=True))
    return Instead(loader.construct_mapping(node, deep=True) if isinstance(node, yaml.MappingNode) else None)


Tagged.add_multi_constructor("!", _instead)


def laid_over(base: Any, above: Any, name: str = "") -> Any:
    """As Compose merges: mappings key by key, lists one after the other, volumes by where they are mounted."""
    if isinstance(above, Instead):
        return above.value
    if isinstance(base, dict) and isinstance(above, dict):
        merged = {key: laid_over(base.get(key), above[key], key) for key in above}
        return {key: value for key, value in {**base, **merged}.items() if value is not None or key not in merged}
    if name == "volumes" and isinstance(base, list):
        mounts = {mount.rsplit(":", 2 if mount.endswith(":ro") else 1)[1]: mount for mount in [*base, *above]}
        return list(mounts.values())
    if isinstance(base, list) and isinstance(above, list) and name not in REPLACED:
        return [*base, *above]
    return above


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def merged(compose: Compose, *names: str) -> Compose:
    whole = deepcopy(compose)
    for name in names:
        whole = laid_over(whole, yaml.load((FOLDER / name).read_text("utf-8"), Tagged))  # noqa: S506 - a SafeLoader
    return whole


def test_there_are_those_that_the_guide_tells_of() -> None:
    named = re.findall(r"-f deploy/compose/(\S+)", (ROOT / "DEPLOYMENT_GUIDE.md").read_text("utf-8"))

    assert set(named) == set(OVERLAYS)


def test_an_overlay_changes_services_that_there_are(compose: Compose, overlay: str) -> None:
    whole = merged(compose, overlay)

    assert whole["services"].keys() == compose["services"].keys()
    for name, service in whole["services"].items():
        assert {"image", "cap_drop", "security_opt", "deploy"} <= service.keys(), name


def test_an_overlay_sets_only_what_somebody_reads(compose: Compose, overlay: str) -> None:
    before, after = compose["services"], merged(compose, overlay)["services"]

    for name in ("migrate", "web", "worker"):
        added = after[name]["environment"].keys() - before[name]["environment"].keys()

        assert added <= SETTINGS, name


def test_an_overlay_mounts_what_there_is(compose: Compose, overlay: str) -> None:
    whole = merged(compose, overlay)

    mounts = [mount for service in whole["services"].values() for mount in service.get("volumes", [])]
    files = {Path(mount.split(":")[0]) for mount in mounts if mount.startswith("./")}
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_all_of_them_can_lie_over_each_other(compose: Compose) -> None:
    whole = merged(compose, *OVERLAYS)

    assert whole["services"]["worker"]["environment"]["DEVICE"] == "cpu"
    assert whole["services"]["web"]["environment"]["ACCEL_REDIRECT"] == ""
    assert whole["services"]["proxy"]["ports"] == ["80:8080", "443:8443"]


def test_without_a_card_none_is_reserved_and_the_image_is_another(compose: Compose) -> None:
    worker = merged(compose, "cpu.yml")["services"]["worker"]

    assert worker["deploy"]["resources"].keys() == {"limits"}
    assert worker["image"] != compose["services"]["worker"]["image"]
    assert worker["build"]["args"]["TORCH_INDEX"].endswith("/cpu")


def test_files_in_a_bucket_are_not_left_to_nginx(compose: Compose) -> None:
    services = merged(compose, "s3.yml")["services"]

    for name in ("migrate", "web", "worker"):
        assert services[name]["environment"]["ACCEL_REDIRECT"] == ""
        assert services[name]["environment"]["STORAGE_URL"].startswith("${STORAGE_URL:?")


def test_with_tls_the_proxy_has_another_server_and_a_certificate(compose: Compose) -> None:
    mounts = merged(compose, "tls.yml")["services"]["proxy"]["volumes"]

    assert "./deploy/nginx/https.conf:/etc/nginx/server.conf:ro" in mounts
    assert "./deploy/nginx/http.conf:/etc/nginx/server.conf:ro" not in mounts
    assert any(mount.endswith(":/tls:ro") for mount in mounts)
