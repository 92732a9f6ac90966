"""`python -m worker.health`: whether a worker of this host lives."""

import sys

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from shared import db, settings
from shared.workers import LIVING, Workers, this_host


def main() -> int:
    """0 when it does; a container's health check."""
    configured = settings.load()
    with Session(db.connect(configured.database)) as session:
        try:
            return 0 if lives(Workers(session, configured.lease_seconds)) else 1
        except DBAPIError as error:
            sys.stderr.write(f"{db.no_answer(error)}\n")
            return 1


def lives(workers: Workers) -> bool:
    """Whether one of this host's has beaten within a lease's length, and does not hang."""
    return any(worker.state in LIVING for worker in workers.all(this_host()))


if __name__ == "__main__":
    sys.exit(main())
