"""How gunicorn runs the web tier; its values are the service's settings."""

from shared import settings

configured = settings.load()

bind = f"[{configured.host}]:{configured.port}" if ":" in configured.host else f"{configured.host}:{configured.port}"
worker_class = "gthread"
workers = configured.web_workers
threads = configured.web_threads
graceful_timeout = 20
timeout = 60
keepalive = 30
loglevel = "warning"
