"""Celery's pool, whose child looks for tasks by itself while no hint comes.

So tasks run with the broker away, and a consumer that has gone deaf costs each of them a second at most. It is the
child's main thread that looks, which owns the device: a hint that comes meanwhile waits in the pipe.
"""

import os
from typing import Any

from celery.concurrency import asynpool, prefork

from shared import settings
from worker import NODE_VARIABLE, process
from worker.parent import ChildWatch, freeing, silence

LOOK_SECONDS = 1.0


class Child(asynpool.Worker):  # type: ignore[misc]  # Celery has no types
    """Waits for a hint for at most a second, then looks; not at all while more may be left."""

    def _make_child_methods(self, *arguments: Any) -> None:
        super()._make_child_methods(*arguments)
        receive = self._make_protected_receive(self.inq)

        def wait_for_job() -> Any:
            """None when none has come, after which the pool asks again."""
            worker = process.current()
            if self.inq._reader.poll(0 if worker.left else LOOK_SECONDS):
                return receive()
            worker.look()
            return None

        self.wait_for_job = wait_for_job


class Children(asynpool.AsynPool):  # type: ignore[misc]
    """A pool of such children."""

    Worker = Child


class TaskPool(prefork.TaskPool):  # type: ignore[misc]
    """Prefork with this pool, and a watch over its child; named in Celery's `worker_pool`."""

    Pool = Children

    def on_start(self) -> None:
        super().on_start()
        configured, node = settings.load(), os.environ[NODE_VARIABLE]
        ChildWatch(self._children, freeing(configured, node), silence(configured, node).of).start()

    def _children(self) -> list[int] | None:
        """The pids of its processes, dead ones too; None when it has been stopped."""
        return [child.pid for child in self._pool._pool] if self._pool else None
