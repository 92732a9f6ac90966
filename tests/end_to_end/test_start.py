"""start.sh with the real service: up, down, and up again after the worst."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.end_to_end.service import Client, Service, living

NOTHING: list[psutil.Process] = []
SHARERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))  # so many test processes have the machine together


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_orderly_end_leaves_no_process_behind(own_service: Service, number: int) -> None:
    own_service.start()

    assert own_service.stop(number) == NOTHING


def test_a_second_start_is_up_within_ten_seconds_and_remembers(own_service: Service) -> None:
    own_service.start()
    Client(own_service).sign_up()
    own_service.stop()

    seconds = own_service.start()

    assert seconds < max(10 * SHARERS, 4 * importing())
    assert Client(own_service).log_in()


def importing() -> float:
    """Seconds for the larger half of a start on this machine as busy as it is now; 3 where nothing else runs."""
    since = time.monotonic()
    subprocess.run([sys.executable, "-c", "from diffusers import StableDiffusionPipeline"], check=True)
    return time.monotonic() - since


def test_a_running_task_survives_a_restart(own_service: Service) -> None:
    own_service.start()
    client = Client(own_service).sign_up()
    task = client.submit(width=256, height=256, steps=100)
    client.until(task, lambda data: (data["progress"] or 0) > 0)

    own_service.stop()
    own_service.start()

    assert Client(own_service).log_in().result(task, seconds=180)["attempt"] == 1


def test_after_a_kill_of_start_sh_the_next_start_recovers(own_service: Service) -> None:
    own_service.start()
    client = Client(own_service).sign_up()
    task = client.submit(steps=2)
    before = own_service.processes()[1:]

    own_service.kill()
    own_service.start()

    ended = Client(own_service).log_in().result(task)
    assert ended["status"] == "completed"
    assert living(before, seconds=20) == NOTHING
    assert own_service.stop() == NOTHING


def test_a_killed_broker_comes_back_and_tasks_go_on(own_service: Service) -> None:
    own_service.start()
    client = Client(own_service).sign_up()
    broker = own_service.child("broker.sock")

    broker.kill()
    task = client.submit(steps=2)

    assert client.result(task)["status"] == "completed"


def test_a_task_whose_whole_worker_is_killed_runs_again_when_its_lease_ends(own_service: Service) -> None:
    own_service.start()
    client = Client(own_service).sign_up()
    task = client.submit(width=256, height=256, steps=100)
    client.until(task, lambda data: (data["progress"] or 0) > 0)

    own_service.child(r"-m worker$").kill()

    client.until(task, lambda data: data["attempt"] == 2, seconds=30)
    assert client.result(task, seconds=180)["attempt"] == 2


def test_two_instances_run_beside_each_other(own_service: Service, embedded: Service) -> None:
    own_service.start()

    mine, theirs = Client(own_service).sign_up("beside"), Client(embedded)

    assert mine.result(mine.submit(steps=2))["status"] == "completed"
    assert theirs.call("POST", "/api/v1/auth/login", {"account": "beside", "password": "User@1234"})["code"] == 401
