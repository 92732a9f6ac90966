"""How gunicorn runs the web tier; its values are the service's settings."""

import gc
import os
import shutil
import signal
import tempfile
from typing import Any

from gunicorn.glogging import Logger

from shared import log, settings

configured = settings.load()
log.configure(configured)


class Log(Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's own lines, in the form that all others have."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


logger_class = Log

bind = f"[{configured.host}]:{configured.port}" if ":" in configured.host else f"{configured.host}:{configured.port}"
worker_class = "gthread"
workers = configured.web_workers
threads = configured.web_threads
graceful_timeout = 20
timeout = 60
keepalive = 30
loglevel = "warning"
control_socket_disable = True  # it would lie in the home of a user who may have none

MEASURED = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client looks at it when it is imported
if MEASURED not in os.environ:  # as it is when a reload reads this file again
    os.environ[MEASURED] = tempfile.mkdtemp(prefix="darkroom-metrics-")


def post_worker_init(worker: Any) -> None:
    """Once the application is loaded."""
    gc.collect()
    gc.freeze()  # to look through all of its modules takes a quarter of a second, in which nobody is answered
    _end_streams_on_sigterm(worker)


def _end_streams_on_sigterm(worker: Any) -> None:
    """Whoever waits for events is sent home first: else each stream would hold up the end."""
    end = signal.getsignal(signal.SIGTERM)
    watch = worker.wsgi.extensions["darkroom"].watch

    def on_sigterm(number: int, frame: Any) -> None:
        watch.close()
        if callable(end):
            end(number, frame)

    signal.signal(signal.SIGTERM, on_sigterm)


def on_exit(server: Any) -> None:
    """What was measured goes with the service."""
    shutil.rmtree(os.environ[MEASURED], ignore_errors=True)
