"""The application as it really is, and the sources as they are written."""

import ast
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.settings import ROOT, Settings

TIERS = ("backend", "shared", "worker")

Sources = Mapping[str, ast.Module]
RunPython = Callable[[str], str]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, secret_key="x" * 40, data_dir=tmp_path)


@pytest.fixture
def run_python(tmp_path: Path) -> RunPython:
    """Runs a program in a process of its own, where nothing is imported yet; returns what it printed."""
    environment = {"PATH": os.environ["PATH"], "SECRET_KEY": "x" * 40, "DATA_DIR": str(tmp_path)}

    def run(program: str) -> str:
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


@pytest.fixture(scope="session")
def sources() -> Sources:
    """Each module of the three tiers, parsed, by its path."""
    return _parsed(path for tier in TIERS for path in (ROOT / tier).rglob("*.py"))


@pytest.fixture(scope="session")
def test_sources() -> Sources:
    """The same for the tests."""
    return _parsed((ROOT / "tests").rglob("*.py"))


@pytest.fixture(scope="session")
def compose() -> dict[str, Any]:
    """docker-compose.yml, its anchors resolved and its variables not."""
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))


def _parsed(paths: Iterator[Path]) -> Sources:
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text("utf-8")) for path in sorted(paths)}
