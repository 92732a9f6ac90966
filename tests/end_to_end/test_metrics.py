"""What Prometheus reads of a running service: the web tier's measurements and the worker's, from one address."""

import re
import urllib.request

from tests.end_to_end.conftest import SCRAPER
from tests.end_to_end.service import Client, Service

NAMES = {
    *(f"darkroom_{name}_seconds_count" for name in ("queue_wait", "run", "request")),
    "darkroom_tasks_ended_total",
    "darkroom_device_memory_bytes",
}


def read(service: Service) -> str:
    request = urllib.request.Request(f"{service.url}/metrics", headers={"Authorization": f"Bearer {SCRAPER}"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return str(response.read().decode())


def test_what_a_worker_measured_is_there_after_its_next_beat(embedded: Service) -> None:
    client = Client(embedded).sign_up("measured")

    client.result(client.submit("a blue square", width=64, height=64))

    # What stood there before is no sign: a worker that took over has measured a run that another one took first.
    embedded.wait_for(lambda: NAMES.issubset(re.findall(r"^darkroom_\w+", read(embedded), re.M)), "the next beat")
    ended = r'^darkroom_tasks_ended_total\{kind="t2i",model=".+",outcome="completed",worker="\w+"\} '
    assert re.search(ended, read(embedded), re.M)
