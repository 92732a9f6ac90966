"""From an account to a picture, through the running service, on both stacks."""

import io
import os
import signal
import time

import numpy as np
import pytest
from PIL import Image

from tests.end_to_end.service import PROMPT, Client, Service

LEASE_SECONDS = 15
BEAT_SECONDS = 3


def picture(client: Client, url: str) -> Image.Image:
    return Image.open(io.BytesIO(client.fetch(url)))


def test_a_prompt_becomes_a_picture_of_what_it_says(client: Client) -> None:
    task = client.submit("a red circle on a white background", seed=1)

    made = picture(client, client.result(task)["result_url"])

    pixels = np.asarray(made).astype(int)
    corners = pixels[[2, 2, -3, -3], [2, -3, 2, -3]]
    red = (pixels[..., 0] > 150) & (pixels[..., 1] < 110) & (pixels[..., 2] < 110)
    assert (made.format, made.size) == ("PNG", (128, 128))
    assert corners.min() > 200
    assert 0.01 < red.mean() < 0.7


@pytest.mark.parametrize("size", [(64, 64), (220, 200), (101, 77)])
def test_a_picture_has_exactly_the_asked_size(client: Client, size: tuple[int, int]) -> None:
    task = client.submit(width=size[0], height=size[1], steps=2)

    assert picture(client, client.result(task)["result_url"]).size == size


def test_the_same_request_gives_the_same_bytes(client: Client) -> None:
    urls = [client.result(client.submit(seed=5, steps=4))["result_url"] for _ in range(2)]

    first, second = (np.asarray(picture(client, url)) for url in urls)
    assert np.array_equal(first, second)


def test_several_pictures_have_seeds_of_their_own(client: Client) -> None:
    ended = client.result(client.submit(num_images=3, steps=4, seed=5))

    pictures = [np.asarray(picture(client, url)) for url in ended["result_urls"]]
    assert len(pictures) == 3
    assert not np.array_equal(pictures[0], pictures[1])


def test_progress_goes_forward_and_is_this_tasks_own(client: Client) -> None:
    task = client.submit(steps=60)
    seen: list[float] = []

    client.until(task, lambda data: seen.append(data["progress"] or 0.0) or data["status"] == "completed")

    assert seen == sorted(seen)
    assert any(0 < progress < 1 for progress in seen)
    assert seen[-1] == 1.0


def test_nobody_else_sees_the_picture(client: Client, service: Service) -> None:
    url = client.result(client.submit(steps=2))["result_url"]
    stranger = Client(service).sign_up("mallory")

    assert stranger.call("GET", url)["code"] == 404
    assert Client(service).call("GET", url)["code"] == 401


def test_a_picture_says_how_it_was_made(client: Client) -> None:
    task = client.submit(steps=2, seed=77)

    text = picture(client, client.result(task)["result_url"]).text

    assert text["parameters"].startswith(PROMPT)
    assert "Seed: 77" in text["parameters"]


def test_the_service_says_that_it_is_ready(client: Client) -> None:
    assert client.call("GET", "/readyz")["status"] == "ready"
    assert client.call("GET", "/healthz") == {"status": "ok"}
    assert client.call("GET", "/api/health")["status"] == "success"


def test_a_task_whose_worker_is_killed_is_done_by_the_next_one(client: Client, service: Service) -> None:
    """Its parent frees it before its lease could run out, however long the next child then takes to load."""
    task = client.submit(width=256, height=256, steps=100)
    client.until(task, lambda data: (data["progress"] or 0) > 0)
    os.kill(service.worker_child().pid, signal.SIGKILL)
    killed = time.monotonic()

    client.until(task, lambda data: data["state"] == "queued" or data["attempt"] == 2, seconds=30)
    assert time.monotonic() - killed < LEASE_SECONDS - BEAT_SECONDS
    ended = client.result(task, seconds=180)

    assert ended["attempt"] == 2
    assert picture(client, ended["result_url"]).size == (256, 256)
