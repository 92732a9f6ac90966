"""What a generation is made from: the parameters that both tiers agree on, complete and checked."""

import hashlib
import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

SEED_LIMIT = 2**63


class Kind(StrEnum):
    """The task kinds, by their names on the wire."""

    TEXT_TO_IMAGE = "t2i"
    IMAGE_TO_IMAGE = "i2i"
    TEXT_TO_VIDEO = "t2v"
    IMAGE_TO_VIDEO = "i2v"


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Everything but the prompt. Sizes are pixels; `seed` is the first picture's, the next one has `seed + 1`."""

    model: str
    width: int
    height: int
    steps: int
    seed: int
    guidance_scale: float
    negative_prompt: str
    sampling_method: str
    num_images: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def batch_key(self, kind: Kind) -> str:
        """The same for tasks that may share one pipeline call: prompts, seeds and counts are free, the rest is not."""
        shared = self.as_dict()
        for free in ("seed", "negative_prompt", "num_images"):
            del shared[free]
        text = json.dumps([kind, shared], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()
