"""After a kill -9: what is ended, and what is spared."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.launch.records import Identity, Records
from tests.servers import until
from tests.shared.launch.conftest import is_running, write_record

Spawn = Callable[[str], subprocess.Popen[bytes]]


def test_a_left_over_process_is_ended_and_said(
    spawn: Spawn, nobody: Identity, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left_over = spawn("")
    path = write_record(tmp_path, "web", Identity.of(left_over.pid), nobody)

    Records(tmp_path).end_orphans()

    assert not is_running(left_over.pid)
    assert not path.exists()
    assert f"ending web (pid {left_over.pid})" in capsys.readouterr().out


def test_a_left_over_process_that_ignores_sigterm_is_killed(spawn: Spawn, nobody: Identity, tmp_path: Path) -> None:
    stubborn = spawn("signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    write_record(tmp_path, "worker", Identity.of(stubborn.pid), nobody)

    Records(tmp_path).end_orphans(grace=0.2)

    assert not is_running(stubborn.pid)


def test_what_a_dead_child_started_is_ended_too(spawn: Spawn, nobody: Identity, tmp_path: Path) -> None:
    note = tmp_path / "grandchild"
    child = spawn(
        "grandchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"pathlib.Path({str(note)!r}).write_text(str(grandchild.pid))"
    )
    write_record(tmp_path, "web", Identity.of(child.pid), nobody)
    child.kill()
    child.wait()

    Records(tmp_path).end_orphans(grace=0.1)

    until(lambda: not is_running(int(note.read_text())), "the end of the grandchild", seconds=5)


def test_a_process_that_got_the_pid_later_is_spared(spawn: Spawn, nobody: Identity, tmp_path: Path) -> None:
    newcomer = spawn("")
    earlier = Identity(newcomer.pid, Identity.of(newcomer.pid).created - 3600)
    path = write_record(tmp_path, "web", earlier, nobody)

    Records(tmp_path).end_orphans()

    assert is_running(newcomer.pid)
    assert not path.exists()


def test_the_child_of_a_living_supervisor_is_spared(spawn: Spawn, tmp_path: Path) -> None:
    child = spawn("")
    path = write_record(tmp_path, "worker", Identity.of(child.pid), Identity.of(os.getpid()))

    Records(tmp_path).end_orphans()

    assert is_running(child.pid)
    assert path.exists()


def test_half_a_record_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "web-1.json"
    path.write_text('{"name": "we')

    Records(tmp_path).end_orphans()

    assert not path.exists()
