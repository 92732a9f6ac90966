"""What a run is asked to do."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.faults import FAULTS
from tests.chaos.stacks import STACKS

MEASURES = ("recovery", "cancel", "rolling", "memory", "upgrade")


@dataclass(frozen=True)
class Options:
    """A storm over `tasks`, or a measurement."""

    tasks: int = 200
    seed: int = 1
    stacks: tuple[str, ...] = STACKS
    faults: tuple[str, ...] = tuple(FAULTS)
    strikes: int = 20
    gap: float = 6.0
    workers: int = 3
    clients: int = 4
    demo_share: float = 0.1
    lease_seconds: float = 15.0
    heartbeat_seconds: float = 3.0
    patience: float = 480.0
    measure: str | None = None
    before: str | None = None
    json: Path | None = None
    folder: Path | None = None

    @property
    def settings(self) -> dict[str, str]:
        """The service's, beside where things are."""
        beat = {"LEASE_SECONDS": f"{self.lease_seconds:g}", "HEARTBEAT_SECONDS": f"{self.heartbeat_seconds:g}"}
        return {**beat, "MAX_ATTEMPTS": "10", "LIMITS": "false"}


def parse(arguments: Sequence[str]) -> Options:
    """Reads the command line; says what is wrong with it and exits."""
    default = Options()
    parser = argparse.ArgumentParser(prog="./start.sh chaos", description=__doc__)
    parser.add_argument("--tasks", type=int, default=None, help="how many (200; for --measure memory 600)")
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--stack", choices=[*STACKS, "both"], default="both")
    parser.add_argument("--faults", default="", help=f"comma-separated, of: {', '.join(FAULTS)}")
    parser.add_argument("--strikes", type=int, default=None, help="how many faults (one for ten tasks)")
    parser.add_argument("--gap", type=float, default=default.gap, help="seconds between two faults, on average")
    parser.add_argument("--workers", type=int, default=default.workers)
    parser.add_argument("--lease", type=float, default=default.lease_seconds, help="LEASE_SECONDS")
    parser.add_argument("--beat", type=float, default=default.heartbeat_seconds, help="HEARTBEAT_SECONDS")
    parser.add_argument("--measure", choices=MEASURES, help="measure this instead of making a storm")
    parser.add_argument("--before", help="the revision to upgrade from (what the newest migration came upon)")
    parser.add_argument("--json", type=Path, help="write what was found to this file too")
    parser.add_argument("--keep", type=Path, help="leave data and logs in this folder")
    asked = parser.parse_args(arguments)
    faults = tuple(filter(None, asked.faults.split(","))) or tuple(FAULTS)
    if unknown := set(faults) - FAULTS.keys():
        parser.error(f"no such fault: {', '.join(sorted(unknown))}")
    tasks = asked.tasks or (600 if asked.measure == "memory" else default.tasks)
    return Options(
        tasks=tasks,
        seed=asked.seed,
        stacks=STACKS if asked.stack == "both" else (asked.stack,),
        faults=faults,
        strikes=asked.strikes if asked.strikes is not None else max(1, tasks // 10),
        gap=asked.gap,
        workers=asked.workers,
        lease_seconds=asked.lease,
        heartbeat_seconds=asked.beat,
        measure=asked.measure,
        before=asked.before,
        json=asked.json,
        folder=asked.keep,
    )
