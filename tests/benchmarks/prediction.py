"""What `GET /api/v1/admin/scale` says of a queue, against what then happens: one worker, the built-in model.

`python -m tests.benchmarks.prediction [--tasks 42] [--json FILE]`. Three users queue four, two and one of seven tasks
each, of different lengths, after fifteen from which the service has learnt how long they take. Needs a machine that
does nothing else. It ends with 1 where the half or nine of ten of them began outside of half to twice the time that was
said.
"""

import argparse
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from shared.settings import ROOT
from tests.end_to_end.service import PASSWORD, Client, Service

KNOWN = 15
SHARES = {"alice": 4, "bobby": 2, "carol": 1}
WITHIN = 2.0
REST_SECONDS = 3.0


def main() -> None:
    """Measure, print and, if asked to, write it down."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="darkroom-bench-") as folder:
        service = Service(Path(folder) / "data", DEVICE="cpu")
        try:
            service.start()
            found = _measured(service, arguments.tasks)
        finally:
            service.end()
    print(json.dumps(found, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")
    ratios = [found["said"][part] / found["came"][part] for part in ("p50_seconds", "p90_seconds")]
    sys.exit(0 if all(1 / WITHIN <= ratio <= WITHIN for ratio in ratios) else 1)


def _measured(service: Service, tasks: int) -> dict[str, dict[str, float]]:
    users = {name: Client(service).sign_up(name) for name in SHARES}
    admin = _admin(service)
    for task in [_submit(users["alice"], number) for number in range(KNOWN)]:
        users["alice"].result(task, seconds=600)
    time.sleep(REST_SECONDS)
    counts = {name: tasks * share // sum(SHARES.values()) for name, share in SHARES.items()}
    queued = [(users[name], _submit(users[name], number)) for name, count in counts.items() for number in range(count)]
    asked = datetime.now(UTC).replace(tzinfo=None)
    said = admin.call("GET", "/api/v1/admin/scale?workers=1")["data"]
    for user, task in queued:
        user.result(task, seconds=600)
    waits = sorted(wait for _, task in queued if (wait := _began(service, task, asked)) > 0)
    came = {"waiting": len(waits), "p50_seconds": waits[len(waits) // 2], "p90_seconds": waits[len(waits) * 9 // 10]}
    return {"said": said, "came": {name: round(value, 1) for name, value in came.items()}}


def _admin(service: Service) -> Client:
    create = [str(ROOT / "start.sh"), "admin", "create", "--name", "root", "--email", "root@example.com"]
    subprocess.run(create, input=PASSWORD, text=True, check=True, stdout=sys.stderr, env=service.environment)
    return Client(service).log_in("root")


def _submit(user: Client, number: int) -> str:
    return user.submit(f"a green house {number}", steps=10 + 5 * (number % 5))


def _began(service: Service, task: str, asked: datetime) -> float:
    """Seconds from the question; not above zero for what ran already."""
    [database] = service.data_dir.glob("*.db")
    with sqlite3.connect(database) as connection:
        [[began]] = connection.execute("SELECT started_at FROM tasks WHERE public_id = ?", [task])
    return (datetime.fromisoformat(began) - asked).total_seconds()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=42)
    parser.add_argument("--json", type=Path, help="write the figures here")
    return parser.parse_args()


if __name__ == "__main__":
    main()
