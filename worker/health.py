"""`python -m worker.health`: whether a worker of this host has beaten within a lease's length."""

import socket
import sys

from sqlalchemy import Engine, select
from sqlalchemy.exc import DBAPIError

from shared import db, settings
from shared.clock import database_now
from shared.models import Worker


def main() -> int:
    """0 when it has; a container's health check."""
    configured = settings.load()
    try:
        return 0 if beats(db.connect(configured.database), configured.lease_seconds) else 1
    except DBAPIError as error:
        sys.stderr.write(f"the database does not answer: {type(error.orig).__name__}\n")
        return 1


def beats(engine: Engine, seconds: float) -> bool:
    """Whether a worker of this host has beaten in the last `seconds`."""
    recent = (Worker.host == socket.gethostname(), Worker.beat_at > database_now(-seconds))
    with engine.connect() as connection:
        return connection.scalar(select(Worker.id).where(*recent).limit(1)) is not None


if __name__ == "__main__":
    sys.exit(main())
