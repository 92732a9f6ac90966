"""A short storm over the real service, on both stacks: no task is lost, none is done twice, nobody is lied to."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.options import Options
from tests.chaos.run import storm
from tests.chaos.stacks import STACKS
from tests.servers import missing_servers

FAULTS = (
    "kill-child",
    "kill-tree",
    "freeze-child",
    "flush-broker",
    "kill-broker",
    "kill-database",
    "kill-web",
    "full-disk",
)
SHORT = Options(
    tasks=60,
    seed=7,
    faults=FAULTS,
    strikes=len(FAULTS),
    gap=1.2,
    workers=2,
    demo_share=0.05,
    lease_seconds=3,
    heartbeat_seconds=0.5,
    patience=90,
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """One with a short path: a broker's socket is in it."""
    made = Path(tempfile.mkdtemp(prefix="chaos-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.mark.parametrize("stack", STACKS)
def test_every_promise_is_kept_in_a_short_storm(stack: str, folder: Path) -> None:
    if stack != "sqlite":
        missing_servers()

    report = storm(SHORT, stack, folder / stack)

    assert report.passed, str(report)
