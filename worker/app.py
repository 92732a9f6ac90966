"""The Celery app, and what happens when its processes start and stop. The parent never imports torch."""

import os

import structlog
from billiard import active_children
from celery.signals import setup_logging, worker_process_init, worker_process_shutdown, worker_shutting_down

from shared import log, settings
from shared.queue import celery_app
from worker import NODE_VARIABLE, process

NOT_STARTED = 70  # the parent starts the next one

configured = settings.load()
app = celery_app(configured.celery_url)
app.conf.update(
    imports=("worker.tasks",),
    worker_pool="worker.pool:TaskPool",
    worker_proc_alive_timeout=configured.load_seconds,  # a child loads a model before it is up
)


@setup_logging.connect
def _configure_log(**_: object) -> None:
    log.configure(configured)


@worker_process_init.connect
def _start_process(**_: object) -> None:
    try:
        process.start(configured, os.environ[NODE_VARIABLE])
    except Exception as error:  # Celery would only log it and keep a child that cannot work
        structlog.get_logger(__name__).critical("worker_not_started", exc_info=error)
        os._exit(NOT_STARTED)


@worker_process_shutdown.connect
def _stop_process(**_: object) -> None:
    process.stop()


@worker_shutting_down.connect
def _tell_children(**_: object) -> None:
    """Celery's warm shutdown waits for the running task; this makes the child give it back at its next step."""
    for child in active_children():
        os.kill(child.pid, process.STOP_SIGNAL)
