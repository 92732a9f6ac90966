"""Sends hints, and configures Celery alike on both sides.

A hint that cannot be sent is logged and forgotten: the row is safe, and idle workers look for it by themselves.
"""

from typing import Any

import structlog
from celery import Celery
from kombu.exceptions import OperationalError

from shared.messages import QUEUES, Wake
from shared.metrics import DEGRADED

log = structlog.get_logger(__name__)

CELERY: dict[str, Any] = {
    "task_serializer": "json",
    "accept_content": ["json"],
    "result_backend": None,
    "task_ignore_result": True,
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "task_acks_on_failure_or_timeout": True,
    "task_publish_retry": False,
    "task_send_sent_event": False,
    "worker_prefetch_multiplier": 1,
    "worker_concurrency": 1,
    "worker_pool": "prefork",
    "worker_pool_start_method": "spawn",
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "worker_send_task_events": False,
    "worker_hijack_root_logger": False,
    "worker_redirect_stdouts": False,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "broker_transport_options": {
        "visibility_timeout": 3600,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
        "health_check_interval": 10,
        "max_retries": 1,  # connecting to send: the web tier fails fast, the row is safe
        "interval_start": 0,
        "interval_step": 0,
    },
}


def celery_app(broker_url: str) -> Celery:
    """A Celery app with the settings that web tier, workers and tests must share."""
    app = Celery("darkroom", broker=broker_url, set_as_current=False)
    app.conf.update(CELERY)
    return app


class Queue:
    """The sending end."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def send(self, hint: Wake) -> bool:
        """True when the broker took the hint; one for a queue that nobody listens to would lie there for ever."""
        if hint.queue not in QUEUES:
            return False
        try:
            self._app.send_task(hint.name, kwargs=hint.payload(), queue=hint.queue)
        except (OperationalError, OSError) as error:
            DEGRADED.labels("hint_not_sent").inc()
            log.warning("hint_not_sent", queue=hint.queue, error=type(error).__name__)
            return False
        return True
