"""What Prometheus reads of a running service: the web tier's measurements and the worker's, from one address."""

import re
import urllib.request

from tests.end_to_end.conftest import SCRAPER
from tests.end_to_end.service import Client, Service


def read(service: Service) -> str:
    request = urllib.request.Request(f"{service.url}/metrics", headers={"Authorization": f"Bearer {SCRAPER}"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return str(response.read().decode())


def test_what_a_worker_measured_is_there_after_its_next_beat(embedded: Service) -> None:
    client = Client(embedded).sign_up("measured")

    client.result(client.submit("a blue square", width=64, height=64))

    ended = re.compile(r'^darkroom_tasks_ended_total\{kind="t2i",model=".+",outcome="completed",worker="\w+"\} ', re.M)
    embedded.wait_for(lambda: ended.search(read(embedded)), "the worker's next beat")
    measured = set(
        re.findall(r"^darkroom_(?:queue_wait|run|request)_seconds_count\b|darkroom_device\w+", read(embedded), re.M)
    )
    assert measured == {
        *(f"darkroom_{name}_seconds_count" for name in ("queue_wait", "run", "request")),
        "darkroom_device_memory_bytes",
    }, embedded.said()
