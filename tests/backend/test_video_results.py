"""Videos as the contracts show and deliver them."""

from pathlib import Path
from typing import Any

import pytest

from shared.claims import Claims
from shared.settings import Settings
from shared.storage import LocalStorage
from tests.backend import favorites
from tests.backend.conftest import Person, poll
from tests.backend.made import LINKS
from tests.backend.test_models import offer_video
from tests.orders import result_entry

DATA = b"\0\0\0\x20ftypisom" + bytes(range(256)) * 8
THUMBNAIL = b"RIFF the first frame"


@pytest.fixture
def video(alice: Person, worker: Claims, settings: Settings, tmp_path: Path) -> str:
    """The id of a completed task for a clip of two seconds."""
    offer_video(alice, tmp_path)
    task: str = alice.submit(type="t2v", parameters={"num_frames": 32}).get_json()["data"]["task_id"]
    [claim] = worker.claim("gpu", lambda shape: 1)
    storage = LocalStorage(settings.data_dir / "files")
    storage.save("results/aa/x.mp4", DATA)
    storage.save("results/aa/x.webp", THUMBNAIL)
    small = result_entry(f"{task}_thumb.webp", key="results/aa/x.webp", data=THUMBNAIL, media_type="image/webp")
    motion = {"media_type": "video/mp4", "frames": 32, "fps": 16, "duration": 2.0}
    entry = result_entry(f"{task}.mp4", key="results/aa/x.mp4", data=DATA, thumbnail=small, **motion)
    worker.complete(claim, [entry])
    return task


def test_a_poll_tells_how_long_the_video_is(alice: Person, video: str) -> None:
    data = poll(alice, video)

    [result] = data["results"]
    assert (result["media_type"], result["frames"], result["fps"], result["duration"]) == ("video/mp4", 32, 16, 2.0)
    assert data["result_url"] == result["url"] == f"/generated_outputs/{video}.mp4"
    assert data["preview_url"].startswith(f"/generated_outputs/{video}_thumb.webp?")


def test_a_player_gets_the_whole_file(alice: Person, video: str) -> None:
    response = alice.call("GET", f"/generated_outputs/{video}.mp4")

    assert (response.status_code, response.data, response.mimetype) == (200, DATA, "video/mp4")
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=0-", 0, len(DATA)), ("bytes=0-1", 0, 2), ("bytes=100-199", 100, 200), ("bytes=-16", len(DATA) - 16, None)],
)
def test_a_player_can_jump(alice: Person, video: str, asked: str, start: int, end: int | None) -> None:
    signed = f"/generated_outputs/{video}.mp4?{LINKS.sign(f'{video}.mp4')}"

    response = alice.client.get(signed, headers={"Range": asked}, buffered=True)

    assert (response.status_code, response.data, response.mimetype) == (206, DATA[start:end], "video/mp4")


def test_a_list_shows_the_first_frame(alice: Person, video: str) -> None:
    response = alice.client.get(poll(alice, video)["preview_url"], buffered=True)

    assert (response.status_code, response.data, response.mimetype) == (200, THUMBNAIL, "image/webp")


def test_the_history_of_v1_has_it(alice: Person, video: str) -> None:
    [record] = alice.call("GET", "/api/v1/user/generation_list?type=t2v").get_json()["data"]

    assert (record["task_id"], record["type"], record["results"][0]["duration"]) == (video, "t2v", 2.0)


def test_the_history_of_the_image_contract_has_it_too(alice: Person, video: str) -> None:
    [record] = alice.call("GET", "/api/v1/images/history").get_json()["data"]["records"]

    clip, small = alice.call("GET", record["imageUrl"]), alice.call("GET", record["thumbnailUrl"])

    assert (clip.status_code, clip.data, clip.mimetype) == (200, DATA, "video/mp4")
    assert (small.status_code, small.mimetype) == (200, "image/webp")


def test_the_history_of_gin_has_it_too(alice: Person, video: str) -> None:
    [record] = alice.call("GET", "/auth/history").get_json()["data"]

    assert record["result"].endswith(f"{video}.mp4")


def test_it_can_be_a_favourite(alice: Person, video: str) -> None:
    url = f"/generated_outputs/{video}.mp4"

    response = favorites.add(alice, favorites.root(alice), "clip", url)

    assert response.status_code == 200
    assert favorites.nodes(alice)[-1]["refer_url"] == url


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"width": 65}, "odd"),
        ({"height": 99}, "odd"),
        ({"strength": 0.5}, "not_applicable"),
        ({"output_format": "png"}, "not_applicable"),
        ({"num_frames": 10_000}, "out_of_range"),
        ({"fps": 0}, "out_of_range"),
    ],
)
def test_what_no_video_can_have_is_refused(alice: Person, tmp_path: Path, asked: dict[str, Any], code: str) -> None:
    offer_video(alice, tmp_path)

    response = alice.submit(type="t2v", parameters=asked)

    [problem] = response.get_json()["error"]["fields"]
    assert (response.status_code, problem["field"], problem["code"]) == (400, f"parameters.{next(iter(asked))}", code)
