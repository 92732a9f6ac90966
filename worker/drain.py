"""`python -m worker.drain [seconds]`: this host's workers finish what they have and take no more; waits for that.

For whoever stops a worker without haste: Kubernetes' preStop, or a person before an upgrade.
"""

import argparse
import sys
import time
from collections.abc import Callable

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from shared import db, settings
from shared.workers import LIVING, State, Workers, this_host

LOOK_SECONDS = 1.0
LIMIT_SECONDS = 600.0


def main() -> int:
    """0 when they have nothing left to do, 1 when they still had at the limit."""
    parser = argparse.ArgumentParser(prog="python -m worker.drain")
    parser.add_argument("seconds", type=float, nargs="?", default=LIMIT_SECONDS, help="wait at most so long")
    limit = parser.parse_args().seconds
    configured = settings.load()
    try:
        return 0 if drained(db.connect(configured.database), configured.lease_seconds, limit) else 1
    except DBAPIError as error:
        sys.stderr.write(f"{db.no_answer(error)}\n")
        return 1


def drained(engine: Engine, lease_seconds: float, limit: float, sleep: Callable[[float], object] = time.sleep) -> bool:
    """Drain this host's workers; whether all were through with their tasks in `limit` seconds."""
    with Session(engine) as session:
        Workers(session, lease_seconds).drain(this_host())
    waited = 0.0
    while at_work := _at_work(engine, lease_seconds):
        if waited >= limit:
            break
        sleep(LOOK_SECONDS)
        waited += LOOK_SECONDS
    return not at_work


def _at_work(engine: Engine, lease_seconds: float) -> bool:
    """Whether one has not heard yet or has tasks left."""
    with Session(engine) as session:
        living = [w for w in Workers(session, lease_seconds).all(this_host()) if w.state in LIVING]
    return any(worker.state != State.DRAINING or worker.tasks for worker in living)


if __name__ == "__main__":
    sys.exit(main())
