"""Services that die, that will not stop, and a supervisor that is killed."""

import os
import re
import signal
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from shared.launch.child import Child, Command
from shared.launch.supervisor import Backoff, Service
from tests.servers import until
from tests.shared.launch.conftest import Supervised, is_running

Supervise = Callable[..., Supervised]

SLEEP = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open({ready!r}, 'w'); time.sleep(60)"
WITH_CHILD = (
    "import subprocess, sys, pathlib; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
    "pathlib.Path({note!r}).write_text(str(p.pid)); p.wait()"
)
NOTES_ITS_END = (
    "import pathlib, signal, sys, time\n"
    "def end(*_):\n    open({log!r}, 'a').write({name!r} + ' ')\n    sys.exit()\n"
    "signal.signal(signal.SIGTERM, end); pathlib.Path({log!r} + {name!r}).touch(); time.sleep(60)"
)


class ChildThatFailsToStartOnce(Child):
    def __init__(self) -> None:
        self.command = Command("web", ())
        self.starts = 0

    def start(self) -> None:
        self.starts += 1
        if self.starts == 1:
            raise OSError("no more processes")

    def is_running(self) -> bool:
        return self.starts == 2

    def poll(self) -> int | None:
        return None


def test_a_child_that_keeps_dying_is_started_again_ever_later_and_reported(
    supervise: Supervise, tmp_path: Path
) -> None:
    starts = tmp_path / "starts"
    service = supervise(web=f"open({str(starts)!r}, 'a').write('x'); raise SystemExit(3)")
    until(lambda: starts.exists() and len(starts.read_text()) >= 6, "six starts", seconds=15)

    said = service.end()

    delays = [float(delay) for delay in re.findall(r"web ended after .* \(exit status 3\): .* again in (\S+) s", said)]
    assert delays[:5] == [0.05, 0.1, 0.2, 0.4, 0.4]
    assert said.count("web keeps ending as soon as it starts") == 1


def test_a_start_that_fails_is_tried_again_later(capsys: pytest.CaptureFixture[str]) -> None:
    child = ChildThatFailsToStartOnce()
    service = Service(child, may_start=lambda: True, backoff=Backoff(first=2))

    service.tend(0.0)
    service.tend(1.9)
    assert child.starts == 1

    service.tend(2.1)
    assert child.starts == 2
    assert "web ended after 0.0 s (no more processes): starting it again in 2 s" in capsys.readouterr().out


def test_a_service_starts_only_when_it_may() -> None:
    child = ChildThatFailsToStartOnce()
    service = Service(child, may_start=lambda: False, backoff=Backoff())

    service.tend(0.0)

    assert child.starts == 0


def test_sigterm_leaves_nothing_behind(supervise: Supervise, tmp_path: Path) -> None:
    note = tmp_path / "grandchild"
    service = supervise(web=WITH_CHILD.format(note=str(note)), worker=SLEEP)
    until(lambda: note.exists() and note.read_text(), "the grandchild", seconds=10)
    pids = [service.pid_of("web"), service.pid_of("worker"), int(note.read_text())]

    said = service.end()

    assert service.process.returncode == 0
    assert said == "start: stopping (SIGTERM)\n"
    assert not any(map(is_running, pids))
    assert not list(tmp_path.glob("*.json"))


def test_children_stop_in_the_reverse_order_of_their_start(supervise: Supervise, tmp_path: Path) -> None:
    log = tmp_path / "log"
    names = ["broker", "web", "worker"]
    service = supervise(**{name: NOTES_ITS_END.format(log=str(log), name=name) for name in names})
    until(lambda: all(Path(f"{log}{name}").exists() for name in names), "all three", seconds=10)

    service.end()

    assert log.read_text().split() == ["worker", "web", "broker"]


def test_a_child_that_ignores_sigterm_is_ended_after_its_grace(supervise: Supervise, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    service = supervise(grace=0.2, worker=STUBBORN.format(ready=str(ready)))
    until(ready.exists, "the worker", seconds=10)
    pid = service.pid_of("worker")

    said = service.end()

    assert "worker did not stop in time" in said
    assert not is_running(pid)


def test_a_second_ctrl_c_cuts_the_grace_short(supervise: Supervise, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    service = supervise(grace=60, worker=STUBBORN.format(ready=str(ready)))
    until(ready.exists, "the worker", seconds=10)
    pid = service.pid_of("worker")
    service.process.send_signal(signal.SIGTERM)

    service.end(signal.SIGINT)

    assert not is_running(pid)


def test_ctrl_c_on_the_terminal_reaches_the_supervisor_alone(supervise: Supervise) -> None:
    service = supervise(web=SLEEP)

    assert os.getsid(service.pid_of("web")) != os.getsid(service.process.pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_kill_9_of_the_supervisor_ends_its_children(supervise: Supervise) -> None:
    service = supervise(web=SLEEP, worker=SLEEP)
    pids = [service.pid_of("web"), service.pid_of("worker")]

    service.end(signal.SIGKILL)

    until(lambda: not any(map(is_running, pids)), "the end of the children", seconds=5)


def test_the_back_off_doubles_up_to_half_a_minute() -> None:
    delays = [Backoff().delay(ends) for ends in range(1, 12)]

    assert delays[0] == 0.5
    assert all(later == min(2 * earlier, 30) for earlier, later in pairwise(delays))
    assert delays[-1] == Backoff().delay(10_000) == 30
