"""What a generation is made from: the parameters that both tiers agree on, complete and checked."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal, NamedTuple

OutputFormat = Literal["png", "webp", "jpeg"]
SEED_LIMIT = 2**63
FREE_IN_A_BATCH = {"seed", "negative_prompt", "num_images", "output_format"}
OF_PROVIDERS = ("provider", "model", "width", "height", "num_images")


class Kind(StrEnum):
    """The task kinds, by their names on the wire."""

    TEXT_TO_IMAGE = "t2i"
    IMAGE_TO_IMAGE = "i2i"
    TEXT_TO_VIDEO = "t2v"
    IMAGE_TO_VIDEO = "i2v"

    @property
    def takes_images(self) -> bool:
        return self in {Kind.IMAGE_TO_IMAGE, Kind.IMAGE_TO_VIDEO}

    @property
    def makes_video(self) -> bool:
        return self in {Kind.TEXT_TO_VIDEO, Kind.IMAGE_TO_VIDEO}


class Shape(NamedTuple):
    """What decides how many pictures one call of a pipeline should make."""

    model: str
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Everything but the prompt. Sizes are pixels; `seed` is the first picture's, the next one has `seed + 1`.

    With a `provider` (the name that a user gave their key for one) there is nothing but its model, size and count. Else
    `strength` (0 to 1: how much of the reference may change) is there for image-to-image only, `num_frames` and `fps`
    for video only. What follows is there only where it was asked for: `output_format` is PNG without it; a
    `reproducible` picture is computed alone; `loras` have a `name` and a `weight` each.
    """

    model: str
    width: int
    height: int
    num_images: int
    steps: int = 0
    seed: int = 0
    guidance_scale: float = 0
    negative_prompt: str = ""
    sampling_method: str = ""
    strength: float | None = None
    num_frames: int | None = None
    fps: int | None = None
    provider: str | None = None
    output_format: OutputFormat | None = None
    reproducible: bool | None = None
    loras: Sequence[Mapping[str, Any]] | None = None

    @property
    def denoising_steps(self) -> int:
        """The steps that are really made: image-to-image starts in the middle (diffusers: steps x strength)."""
        return self.steps if self.strength is None else max(1, min(self.steps, int(self.steps * self.strength)))

    def as_dict(self) -> dict[str, Any]:
        """What there is of them for this kind of task."""
        there = {name: value for name, value in asdict(self).items() if value is not None}
        return {name: there[name] for name in OF_PROVIDERS} if self.provider else there

    def batch_key(self, kind: Kind) -> str:
        """The same for tasks that may share one pipeline call: prompts, seeds and counts are free, the rest is not."""
        shared = {name: value for name, value in self.as_dict().items() if name not in FREE_IN_A_BATCH}
        text = json.dumps([kind, shared], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()
