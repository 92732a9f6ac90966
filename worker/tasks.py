"""The hint handlers."""

from shared.messages import Wake
from worker import process
from worker.app import app


@app.task(name=Wake.name)
def wake(queue: str) -> None:
    """Somebody has put a task into this queue."""
    process.current().work(queue)
