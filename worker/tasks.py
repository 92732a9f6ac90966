"""The hint handlers."""

from shared.messages import Wake
from worker import process
from worker.app import app


@app.task(name=Wake.name)
def wake(queue: str) -> None:
    """Work until nothing is left in this queue."""
    process.current().jobs.work(queue)
