"""What users do with running tasks and with pictures of their own, through the running service, on both stacks."""

import io
import json
import signal
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from shared.settings import Settings
from tests.end_to_end.service import Client, Service

FIELDS = Settings.model_fields
THREADS = FIELDS["web_workers"].default * FIELDS["web_threads"].default
WAITERS = THREADS + 8
Event = tuple[str, dict[str, Any]]


def red_circle() -> bytes:
    image = Image.new("RGB", (200, 150), "white")
    ImageDraw.Draw(image).ellipse((60, 35, 140, 115), fill="red")
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def test_an_uploaded_picture_becomes_another_one_like_it(client: Client) -> None:
    upload = client.upload(red_circle(), "image/png")
    task = client.submit("a red circle on a white background", image=upload["file_id"], strength=0.2, seed=1)

    ended = client.result(task)

    made = pixels(client.fetch(ended["result_url"]))
    height, width, _ = made.shape
    middle, corner = made[height // 2, width // 2], made[4, 4]
    assert (width, height) == (ended["parameters"]["width"], ended["parameters"]["height"]) == (144, 112)
    assert middle[0] > 150 > max(middle[1:])
    assert corner.min() > 200


def test_a_result_is_a_reference_for_the_next_task(client: Client) -> None:
    first = client.result(client.submit(steps=2))

    second = client.result(client.submit(image=first["result_url"], steps=4))

    assert second["images"] == [first["result_url"]]


def test_a_signed_url_opens_a_picture_and_its_thumbnail_without_a_token(client: Client, service: Service) -> None:
    [result] = client.result(client.submit(steps=2))["results"]

    for link, kind in ((result, "PNG"), (result["thumbnail"], "WEBP")):
        with urllib.request.urlopen(service.url + link["signed_url"], timeout=10) as response:
            assert Image.open(io.BytesIO(response.read())).format == kind


def test_a_running_task_shows_what_it_will_make_until_it_is_cancelled(client: Client, service: Service) -> None:
    long = client.submit(steps=100, num_images=8)
    shown = client.until(long, lambda data: data["preview_url"])["preview_url"]

    with urllib.request.urlopen(service.url + shown, timeout=10) as response:
        preview = Image.open(io.BytesIO(response.read()))
    asked = time.monotonic()
    client.call("DELETE", f"/api/v1/generation/{long}")
    ended = client.until(long, lambda data: data["state"] != "processing")
    took = time.monotonic() - asked
    after = client.result(client.submit(steps=1))

    assert (preview.format, preview.size) == ("WEBP", (128, 128))
    assert (ended["state"], ended["status"]) == ("cancelled", "failed")
    assert (ended["result_url"], ended["preview_url"]) == (None, None)
    assert json.loads(client.fetch(shown))["code"] == 404
    assert took < 2, "a step takes some hundredths of a second"
    assert after["state"] == "completed"


def test_a_cancelled_task_is_tried_again_and_completes(client: Client) -> None:
    task = client.submit(steps=100, num_images=4)
    client.call("DELETE", f"/api/v1/generation/{task}")
    client.until(task, lambda data: data["state"] == "cancelled")

    client.call("POST", f"/api/v1/generation/{task}/retry")

    assert len(client.result(task)["result_urls"]) == 4


def through(events: Iterator[Event], state: str) -> Iterator[Event]:
    """The events up to the first of a task in this state."""
    for event in events:
        yield event
        if event[1]["state"] == state:
            return


def test_streams_of_events_go_on_over_a_restart_of_the_web_tier(own_service: Service) -> None:
    own_service.start()
    client = Client(own_service).sign_up()
    task = client.submit(steps=100, num_images=8)
    everything = client.events("user/events")
    told = [next(everything)]
    heard = []
    restarted = 0.0
    for event_id, data in client.events(f"generation/{task}/events"):
        heard.append((event_id, data))
        if data["step"] and not restarted:
            own_service.child("gunicorn").send_signal(signal.SIGHUP)  # new processes in place of the old ones
            restarted = time.monotonic()
    told += everything
    ended = time.monotonic()

    heard += client.events(f"generation/{task}/events", heard[-1][0])
    told += through(client.events("user/events", told[-1][0]), "completed")

    steps = [data["step"] or 0 for _, data in heard if data["state"] == "processing"]
    assert ended - restarted < 5, "no stream holds up the old process"
    assert steps == sorted(steps)
    assert heard[-1][1]["state"] == "completed"
    assert len({event_id for event_id, _ in heard}) == len(heard)
    assert (told[0][1]["task_id"], told[-1][1]["task_id"]) == (task, task)
    assert told[-1][1] == heard[-1][1]


def test_more_polls_that_wait_than_threads_leave_room_for_others(embedded: Service) -> None:
    client = Client(embedded).sign_up("patient")
    running, waiting = client.submit(steps=100, num_images=8), client.submit(steps=1)
    client.until(running, lambda data: data["state"] == "processing")

    with ThreadPoolExecutor(WAITERS) as pool:
        polls = [pool.submit(client.call, "GET", f"/api/v1/generation/{waiting}?wait=25") for _ in range(WAITERS)]
        embedded.wait_for(lambda: sum(poll.done() for poll in polls) >= WAITERS - THREADS, "those without a place")
        asked = time.monotonic()
        client.poll(waiting)
        took = time.monotonic() - asked
        held = sum(not poll.done() for poll in polls)
        for task in (waiting, running):
            client.call("DELETE", f"/api/v1/generation/{task}")

    assert took < 5
    assert 0 < held < WAITERS
    assert {poll.result()["data"]["task_id"] for poll in polls} == {waiting}
