"""From a prompt and from a picture to a video, through the running service."""

import io
import json
from collections.abc import Iterator

import av
import pytest
from PIL import Image

from tests.end_to_end.service import Client, Service
from tests.fakes.tiny_videos import save_wan_both
from tests.worker.videos import entry


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Of a service whose only model makes video."""
    folder = tmp_path_factory.mktemp("video")
    save_wan_both(folder / "wan-both")
    (folder / "models.toml").write_text(entry("wan-both"))
    service = Service(folder / "data", MODELS_FILE=str(folder / "models.toml"))
    service.start()
    yield Client(service).sign_up()
    service.end()


def submit(client: Client, kind: str, **others: object) -> str:
    parameters = {"num_frames": 6, "fps": 12, "width": 50, "height": 34, "steps": 3, "num_images": 2}
    body = {"type": kind, "prompt": "a red circle that rolls", "parameters": parameters, **others}
    task: str = client.call("POST", "/api/v1/generation", body)["data"]["task_id"]
    return task


def upload(client: Client) -> str:
    file = io.BytesIO()
    Image.new("RGBA", (90, 40), (255, 0, 0, 128)).save(file, "PNG")
    name: str = client.upload(file.getvalue(), "image/png")["file_id"]
    return name


@pytest.mark.parametrize("kind", ["t2v", "i2v"])
def test_a_request_becomes_a_video(client: Client, kind: str) -> None:
    task = submit(client, kind, **({"image": upload(client)} if kind == "i2v" else {}))

    done = client.result(task)

    assert [(r["frames"], r["fps"], r["duration"], r["width"]) for r in done["results"]] == [(6, 12, 0.5, 50)] * 2
    for result in done["results"]:
        with av.open(io.BytesIO(client.fetch(result["url"]))) as file:
            assert [(frame.width, frame.height) for frame in file.decode(video=0)] == [(50, 34)] * 6
            assert json.loads(file.metadata["comment"])["seed"] == result["seed"]
    assert Image.open(io.BytesIO(client.fetch(done["preview_url"]))).size == (50, 34)


def test_a_picture_is_refused_where_only_video_is_made(client: Client) -> None:
    answer = client.call("POST", "/api/v1/generation", {"type": "t2i", "prompt": "a red circle"})

    assert (answer["code"], answer["error"]["fields"][0]["code"]) == (400, "unsupported_kind")


def test_a_running_video_can_be_cancelled(client: Client) -> None:
    body = {"type": "t2v", "prompt": "long", "parameters": {"num_frames": 49, "steps": 10, "num_images": 8}}
    task = client.call("POST", "/api/v1/generation", body)["data"]["task_id"]
    client.until(task, lambda data: bool(data["step"]))

    client.call("DELETE", f"/api/v1/generation/{task}")

    ended = client.until(task, lambda data: data["state"] != "processing")
    assert (ended["state"], ended["results"]) == ("cancelled", [])
