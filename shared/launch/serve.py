"""The service itself: broker, migrations, web tier and worker, in this order, until told to stop.

Owns which parts a command starts and what they are run with. Does not know what they do.
"""

import sys
from pathlib import Path

from shared.launch import address, broker, readiness
from shared.launch.child import Command
from shared.launch.console import Refused, say
from shared.launch.instance import Lock, claim_web, make_run_folder
from shared.launch.records import Records
from shared.launch.signals import Signals
from shared.launch.supervisor import Supervisor, describe
from shared.settings import ROOT, Settings

PARTS = {"all": ("web", "worker"), "web": ("web",), "worker": ("worker",)}

GUNICORN = ("-m", "gunicorn", "--config", "backend/gunicorn.conf.py", "backend.wsgi:app")
WEB = Command("web", (sys.executable, *GUNICORN), grace=25.0)  # gunicorn's own grace is 20 s
WORKER = Command("worker", (sys.executable, "-m", "worker"), grace=20.0)  # gives its tasks back at the next step
MIGRATIONS = Command("migrations", (sys.executable, "-m", "shared.migrations"))

BROKER_PATIENCE = 10.0


def serve(command: str, settings: Settings) -> int:
    """Runs the command's parts until a stop signal; 0 then. Raises Refused when they cannot be started."""
    parts = PARTS[command]
    run = make_run_folder(settings.data_dir)
    web_lock = claim_web(run) if "web" in parts else None
    records = Records(run)
    records.end_orphans()
    if web_lock:
        address.check_free(settings.host, settings.port)
    with Signals() as signals:
        supervisor = Supervisor(ROOT, records, signals)
        try:
            _bring_up(supervisor, settings, parts, run)
            supervisor.run_until(_never)
        finally:
            supervisor.stop()
    say("stopped")
    return 0


def _bring_up(supervisor: Supervisor, settings: Settings, parts: tuple[str, ...], run: Path) -> None:
    if settings.embeds_broker:
        _add_broker(supervisor, settings.broker_socket, run)
    if "web" in parts:
        _migrate(supervisor)
        supervisor.add(WEB)
    if "worker" in parts:
        supervisor.add(WORKER)
    if "web" in parts:
        _announce(supervisor, settings, without_worker="worker" not in parts)


def _add_broker(supervisor: Supervisor, path: Path, run: Path) -> None:
    broker.make_socket_folder(path)
    log = run / "broker.log"
    turn = broker.Turn(path, Lock(run / "broker.lock"))
    supervisor.add(broker.command(broker.find_binary(), path, log), may_start=turn.is_ours)
    if not supervisor.run_until(lambda: broker.answers(path), BROKER_PATIENCE):
        say(f"the broker does not answer yet: see {log}")


def _migrate(supervisor: Supervisor) -> None:
    status = supervisor.run_to_end(MIGRATIONS)
    if status:
        raise Refused(f"the database could not be brought up to date ({describe(status)}, see above)")


def _announce(supervisor: Supervisor, settings: Settings, without_worker: bool) -> None:
    url = address.url(settings.host, settings.port)
    announcement = readiness.Announcement(
        url, lambda: readiness.ask(settings.host, settings.port), without_worker=without_worker
    )
    supervisor.run_until(announcement.is_made)


def _never() -> bool:
    return False
