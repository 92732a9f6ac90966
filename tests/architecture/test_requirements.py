"""What gets installed is the same everywhere, and the web tier stays light."""

import re
from pathlib import Path

import pytest

from shared.launch.requirements import closure
from shared.settings import ROOT

LISTS = sorted(str(path.relative_to(ROOT)) for path in [ROOT / "requirements.txt", *ROOT.glob("*/requirements.txt")])
PIN = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*(\[[a-z0-9,]+\])?==[0-9][A-Za-z0-9.]*( *;.*)?$")
HEAVY = {"torch", "diffusers", "transformers", "accelerate", "numpy"}


@pytest.mark.parametrize("listed", LISTS)
def test_every_requirement_is_pinned(listed: str) -> None:
    loose = [line for line in _requirements(ROOT / listed) if not PIN.match(line)]

    assert loose == []


def test_no_two_lists_pin_the_same_package() -> None:
    pinned = [_package(line) for listed in LISTS for line in _requirements(ROOT / listed)]

    assert sorted(pinned) == sorted(set(pinned))


def test_web_tier_needs_no_torch() -> None:
    needed = {_package(line) for part in closure(ROOT / "backend/requirements.txt") for line in _requirements(part)}

    assert "flask" in needed
    assert needed & HEAVY == set()


def test_worker_needs_no_flask() -> None:
    needed = {_package(line) for part in closure(ROOT / "worker/requirements.txt") for line in _requirements(part)}

    assert "torch" in needed
    assert not any(package.startswith("flask") for package in needed)


def _requirements(path: Path) -> list[str]:
    """The list's own lines, without comments and without what it includes."""
    lines = (line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("-r ")]


def _package(requirement: str) -> str:
    return re.split(r"[=\[; ]", requirement)[0].lower().replace("_", "-")
