"""Files of clips."""

import io
import json
from dataclasses import replace

import av
import numpy as np
import pytest
from PIL import Image

from shared.claims import Claim
from shared.generation import Kind
from tests.orders import claim_of
from tests.worker.videos import decoded
from worker.clip import Clip, _read_again, encode_mp4
from worker.media import Undecodable

MADE = {"weights": "0123456789abcdef", "rung": "none"}


def task(prompt: str = "a red circle", **parameters: object) -> Claim:
    return replace(claim_of(prompt, num_frames=5, fps=8, **parameters), kind=Kind.TEXT_TO_VIDEO)


def clip(count: int = 5, width: int = 64, height: int = 48, fps: int = 8) -> Clip:
    """A square that goes from left to right over a slope."""
    slope = np.linspace(0, 255, width).astype(np.uint8)
    frames = np.repeat(np.broadcast_to(slope, (count, height, width))[..., None], 3, axis=-1).copy()
    for number in range(count):
        frames[number, 8:16, 4 * number : 4 * number + 8] = (255, 0, 0)
    return Clip(frames, fps, 42, MADE)


def opened(data: bytes) -> av.container.InputContainer:
    return av.open(io.BytesIO(data), "r")


@pytest.mark.parametrize(("count", "fps"), [(1, 8), (5, 8), (24, 24), (7, 30)])
def test_a_file_has_all_frames_at_their_rate(count: int, fps: int) -> None:
    encoded = clip(count, fps=fps).encode(task())

    with opened(encoded.data) as file:
        video = file.streams.video[0]
        assert (video.frames, video.average_rate, len(file.streams)) == (count, fps, 1)
    assert encoded.motion == {"frames": count, "fps": fps, "duration": round(count / fps, 3)}
    assert encoded.media_type == "video/mp4"


def test_every_browser_knows_how_it_is_encoded() -> None:
    with opened(clip().encode(task()).data) as file:
        video = file.streams.video[0]
        found = (video.codec_context.name, video.codec_context.pix_fmt, video.codec_context.profile)

    assert found == ("h264", "yuv420p", "High")


def test_the_frames_show_what_was_made() -> None:
    made = clip(9)

    shown = np.stack(list(decoded(made.encode(task()).data))).astype(int)

    assert np.abs(shown - made.frames).mean() < 4
    assert np.abs(shown[3, 12, 16] - (255, 0, 0)).max() < 24


def test_a_player_can_begin_before_it_has_the_whole_file() -> None:
    data = clip().encode(task()).data

    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_the_thumbnail_is_the_first_frame() -> None:
    encoded = clip(width=800, height=600).encode(task())

    small = Image.open(io.BytesIO(encoded.thumbnail))
    assert (small.format, small.size, encoded.thumbnail_size) == ("WEBP", (384, 288), (384, 288))
    assert np.abs(np.subtract(small.getpixel((192, 200)), (128, 128, 128))).max() < 12


PROMPTS = {"odd": "红色圆形 😀 'quoted' \\ 100%", "long": "圆" * 40_000, "of two lines": "line\nline"}


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
def test_the_file_says_how_it_was_made(prompt: str) -> None:
    claim = task(prompt)

    with opened(clip().encode(claim).data) as file:
        manifest = json.loads(file.metadata["comment"])

    assert (manifest["prompt"], manifest["seed"], manifest["type"]) == (prompt, 42, "t2v")
    assert (manifest["num_frames"], manifest["fps"], manifest["rung"]) == (5, 8, "none")


def test_the_same_clip_gives_the_same_bytes() -> None:
    assert len({encode_mp4(clip(24), task()) for _ in range(12)}) == 1


@pytest.mark.parametrize(
    ("cut", "shape"),
    [(0, (5, 48, 64, 3)), (60, (5, 48, 64, 3)), (1200, (5, 48, 64, 3)), (None, (6, 48, 64, 3)), (None, (5, 64, 48, 3))],
    ids=["nothing", "its head", "half of it", "too few frames", "another size"],
)
def test_a_file_that_cannot_be_read_again_is_no_result(cut: int | None, shape: tuple[int, ...]) -> None:
    data = encode_mp4(clip(), task())

    with pytest.raises(Undecodable):
        _read_again(data[:cut], shape)
