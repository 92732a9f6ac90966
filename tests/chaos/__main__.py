"""`./start.sh chaos`: storms and measurements over the real service; ends with 1 when something was not as promised."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.chaos import measure, memory, rolling, run, upgrade
from tests.chaos.options import Options, parse
from tests.chaos.report import Report, write_json
from tests.chaos.stacks import NotInstalled

RUNS: dict[str | None, Callable[[Options, str, Path], Report]] = {
    None: run.storm,
    "recovery": measure.recovery,
    "cancel": measure.cancel,
    "rolling": rolling.rolling,
    "memory": memory.memory,
    "upgrade": upgrade.upgrade,
}


def main(arguments: Sequence[str]) -> int:
    """The exit status."""
    options = parse(arguments)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="chaos-"))
    reports: list[Report] = []
    try:
        for stack in options.stacks:
            reports.append(RUNS[options.measure](options, stack, folder / stack))
            print(reports[-1], flush=True)
    except NotInstalled as error:
        print(f"chaos: not installed: {error}", file=sys.stderr)
        return 2
    finally:
        if options.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        write_json(options.json, reports)
    return 0 if all(report.passed for report in reports) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
