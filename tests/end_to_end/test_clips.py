"""The built-in model in motion, through the running service: what is delivered shows what was asked for."""

import io

import av
import pytest
from PIL import Image

from tests.end_to_end.service import Client
from worker.demo_model.judging.asked import Request, Thing
from worker.demo_model.judging.clips import judge_clip, signal_to_noise

CIRCLE = Thing("circle", "red")
LEAST_PSNR = 25.0


def made(client: Client, **body: object) -> list[Image.Image]:
    """The frames of the clip that this becomes."""
    task = client.call("POST", "/api/v1/generation", body)["data"]["task_id"]
    [result] = client.result(task)["results"]
    assert (result["frames"], result["fps"], result["duration"]) == (16, 8, 2.0)
    with av.open(io.BytesIO(client.fetch(result["url"]))) as file:
        return [frame.to_image() for frame in file.decode(video=0)]


@pytest.mark.parametrize(
    ("prompt", "motion"),
    [("a red circle moving right on a blue background", "right"), ("蓝色背景上，一个红色的圆形变大", "grow")],
)
def test_words_become_a_clip_of_what_they_say(client: Client, prompt: str, motion: str) -> None:
    frames = made(client, type="t2v", prompt=prompt, parameters={"seed": 7})

    verdict = judge_clip(frames, Request("blue", (CIRCLE,), motion=motion))

    assert verdict.everything, verdict


def test_a_picture_becomes_the_first_frame_and_moves_as_the_words_say(client: Client) -> None:
    picture = client.result(client.submit("a red circle at the top on a white background", seed=7))["results"][0]
    data = client.fetch(picture["url"])
    still = Image.open(io.BytesIO(data)).convert("RGB")
    uploaded = client.upload(data, "image/png")["file_id"]

    words = "a red circle moving down on a white background"
    frames = made(client, type="i2v", image=uploaded, prompt=words, parameters={"seed": 7})

    assert signal_to_noise(frames[0], still) >= LEAST_PSNR
    assert judge_clip(frames, Request("white", (CIRCLE,), motion="down")).everything
