"""The guides name only what exists: variables, commands, urls, log events; and their examples are valid."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
from flask import Flask

from shared.catalog import Catalog, Model, ModelsFile
from shared.kinds import BY_CLASS
from shared.launch.command_line import LISTS
from shared.sampling import SAMPLING_METHODS
from shared.settings import ROOT, Settings
from tests.architecture.conftest import Sources
from tests.fakes.tiny_families import FAMILIES
from tests.worker.videos import KINDS

DEPLOYMENT = "DEPLOYMENT_GUIDE.md"
GUIDES = ("README.md", "README.zh-CN.md", DEPLOYMENT)
OF_OTHERS = {
    "VENV_DIR",  # start.sh
    "MYSQL_PASSWORD",  # docker-compose.yml
    "MYSQL_ROOT_PASSWORD",
    "MODELS_DIR",
    "TORCH_INDEX",
    "COMPOSE_FILE",
    "TLS_DIR",
    "WEB_MEMORY",
    "WORKER_MEMORY",
    "CUDA_VISIBLE_DEVICES",  # CUDA
    "HF_HOME",  # huggingface_hub
    "HF_TOKEN",
    "HF_HUB_OFFLINE",
}


@pytest.mark.parametrize("guide", GUIDES)
def test_variables_exist(guide: str) -> None:
    known = {field.upper() for field in Settings.model_fields} | OF_OTHERS

    named = set(re.findall(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=[^`]*)?`", _text(guide)))

    assert named - known == set()


@pytest.mark.parametrize("guide", GUIDES)
def test_commands_of_start_sh_exist(guide: str) -> None:
    named = set(re.findall(r"\./start\.sh ([a-z]+)", _text(guide)))

    assert named
    assert named - LISTS.keys() == set()


@pytest.mark.parametrize("guide", GUIDES)
def test_files_that_are_linked_to_exist(guide: str) -> None:
    linked = re.findall(r"\]\(([^)#:]+)\)", _text(guide))

    assert [path for path in linked if not (ROOT / path).exists()] == []


def test_both_readmes_have_the_same_commands() -> None:
    blocks = [re.findall(r"```sh\n(.*?)```", _text(guide), re.DOTALL) for guide in ("README.md", "README.zh-CN.md")]

    assert blocks[0] == blocks[1]


def test_health_urls_exist(app: Flask) -> None:
    named = re.findall(r"^\| `(/[a-z/]+)` \|", _text(DEPLOYMENT), re.MULTILINE)

    routes = {rule.rule for rule in app.url_map.iter_rules()}

    assert len(named) == 4
    assert set(named) - routes == set()


def test_log_events_are_really_logged(sources: Sources) -> None:
    table = _text(DEPLOYMENT).split("| event | meaning |")[1].split("\n\n")[0]
    events = re.findall(r"`([a-z_]+)`", table)

    written = {node.value for tree in sources.values() for node in ast.walk(tree) if isinstance(node, ast.Constant)}

    assert events
    assert set(events) - written == set()


def test_examples_of_models_are_ones(tmp_path: Path) -> None:
    examples = re.findall(r"```toml\n(.*?)```", _text(DEPLOYMENT), re.DOTALL)
    (tmp_path / "models.toml").write_text("".join(examples), "utf-8")

    catalog = Catalog.read(tmp_path / "models.toml")

    assert list(catalog.models) == [ModelsFile.model_validate(tomllib.loads(text)).models[0].id for text in examples]


def test_every_field_of_a_model_is_explained() -> None:
    table = _text(DEPLOYMENT).split("| field | meaning |")[1].split("\n\n")[0]

    explained = [
        name for row in re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    ]

    assert explained == list(Model.model_fields)


def test_every_sampling_method_is_named() -> None:
    assert [method for method in SAMPLING_METHODS if f"`{method}`" not in _text(DEPLOYMENT)] == []


def test_the_families_that_tests_run_are_named_with_their_classes() -> None:
    rows = [row for row in _text(DEPLOYMENT).splitlines() if "`test_families.py`" in row or "`test_videos.py`" in row]
    named = {name for row in rows for name in re.findall(r"`([a-z0-9-]+)`", row)}
    classes = {name for row in rows for name in re.findall(r"`(\w+Pipeline)`", row)}

    assert named == {*FAMILIES, *KINDS}
    assert classes <= BY_CLASS.keys()


def _text(guide: str) -> str:
    return (ROOT / guide).read_text("utf-8")
