"""Clips as files that say how they were made: MP4 with H.264, as every browser plays it."""

import io
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image

from shared.claims import Claim
from worker.media import Encoded, Picture, Undecodable, encode_thumbnail, manifest

# The bytes depend on the number of threads and, without the last, on the processor and (1 in 40 times) on chance.
X264 = {"preset": "medium", "crf": "18", "threads": "4", "x264-params": "cpu-independent=1"}
BT709 = 1  # ITU-T H.273: the colours of HD, which players take for granted where nothing is said


@dataclass(frozen=True)
class Clip:
    """`frames` is count x height x width x 3, 8 bits, both sides even; `seed` and `made` as a picture's."""

    frames: npt.NDArray[np.uint8]
    fps: int
    seed: int
    made: Mapping[str, Any] = field(default_factory=dict)

    def encode(self, claim: Claim) -> Encoded:
        """An MP4 with a small picture of its first frame. Raises Undecodable when it cannot be read again."""
        data = encode_mp4(self, claim)
        poster = _read_again(data, self.frames.shape)
        count = len(self.frames)
        motion = {"frames": count, "fps": self.fps, "duration": round(count / self.fps, 3)}
        return Encoded(data, "video/mp4", poster.size, self.seed, *encode_thumbnail(poster), self.made, motion)


Result = Picture | Clip


def encode_mp4(clip: Clip, claim: Claim) -> bytes:
    """An MP4 whose index comes first, for players that begin before they have all of it.

    Its comment is a JSON manifest. The same clip gives the same bytes.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clip.mp4")
        with av.open(path, "w", options={"movflags": "+faststart"}) as file:
            file.metadata["comment"] = json.dumps(manifest(clip.seed, clip.made, claim), ensure_ascii=False)
            _write(file, clip)
        return path.read_bytes()


def _write(file: av.container.OutputContainer, clip: Clip) -> None:
    stream = file.add_stream("libx264", rate=clip.fps, options=X264)
    stream.height, stream.width = clip.frames.shape[1:3]
    stream.pix_fmt = "yuv420p"
    stream.codec_context.color_range = ColorRange.MPEG
    stream.codec_context.colorspace = Colorspace.ITU709
    stream.codec_context.color_primaries = stream.codec_context.color_trc = BT709
    for pixels in clip.frames:
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        file.mux(stream.encode(frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)))
    file.mux(stream.encode())


def _read_again(data: bytes, shape: tuple[int, ...]) -> Image.Image:
    """The first frame, if there are as many as there should be."""
    count, height, width = shape[:3]
    try:
        with av.open(io.BytesIO(data), "r") as file:
            frames = file.decode(video=0)
            first = next(frames)
            found = 1 + sum(1 for _ in frames)
            pixels = first.reformat(format="rgb24", src_colorspace=Colorspace.ITU709).to_ndarray()
    except (av.FFmpegError, StopIteration, IndexError) as error:
        raise Undecodable(str(error)) from error
    if (found, *pixels.shape[:2]) != (count, height, width):
        raise Undecodable(f"{found} x {pixels.shape} instead of {shape}")
    return Image.fromarray(pixels)
