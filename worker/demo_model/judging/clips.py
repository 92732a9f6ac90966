"""What of a request that moves a clip got right, and how true a clip is to the picture it began with."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log10
from typing import Any

import numpy as np
from PIL import Image

from worker.demo_model.judging.asked import Request
from worker.demo_model.judging.figures import share
from worker.demo_model.judging.motion import STILL, motion
from worker.demo_model.judging.seeing import Seen, View, look
from worker.demo_model.judging.verdicts import compare

# In how many of the frames the one object must be there in its colour.
THROUGHOUT = 0.75
# What else there may be, as a share of the object's area.
LITTLE = 0.3
# Of equal pictures, whose ratio has no bound.
BEST_RATIO = 100.0


@dataclass(frozen=True)
class ClipVerdict:
    """`object`: background, kind and colour, in the first frame and on; `seen`: the motion that it was taken for."""

    object: bool
    motion: bool
    seen: str

    @property
    def everything(self) -> bool:
        """The right object in the right motion."""
        return self.object and self.motion


def judge_clip(frames: Sequence[Image.Image], request: Request) -> ClipVerdict:
    """Looks at every frame; a turning or growing object need look like its kind only before it begins."""
    views = [look(frame) for frame in frames]
    masks = [max(view.objects, key=_area).mask for view in views if view.objects]
    seen = motion(masks) if len(masks) > THROUGHOUT * len(frames) else STILL
    still = replace(request, motion=None)
    there = [_is_there(view, request) for view in views]
    right = compare(views[0], still).everything and sum(there) > THROUGHOUT * len(there)
    return ClipVerdict(right, seen == request.motion, seen)


def signal_to_noise(picture: Image.Image, given: Image.Image) -> float:
    """The peak signal-to-noise ratio of a picture to the one it should be, in decibels."""
    first, second = (np.asarray(one.convert("RGB")).astype(float) for one in (picture, given))
    error = float(np.square(first - second).mean())
    return min(10 * log10(255**2 / error), BEST_RATIO) if error else BEST_RATIO


def clip_figures(judged: Sequence[tuple[Request, ClipVerdict]]) -> dict[str, Any]:
    """How many clips are right, and what the motions were taken for."""
    verdicts = [verdict for _, verdict in judged]
    taken: dict[str, Counter[str]] = {}
    for request, verdict in judged:
        taken.setdefault(str(request.motion), Counter())[verdict.seen] += 1
    return {
        "clips": len(verdicts),
        "right": {
            "object": share([verdict.object for verdict in verdicts]),
            "motion": share([verdict.motion for verdict in verdicts]),
            "everything": share([verdict.everything for verdict in verdicts]),
        },
        "seen_as": {name: dict(taken[name].most_common()) for name in sorted(taken)},
    }


def _is_there(view: View, request: Request) -> bool:
    """Something in the asked colour, beside which there is little else: a turned car's window is not known as such."""
    objects = sorted(view.objects, key=_area, reverse=True)
    if not objects or objects[0].colour != request.things[0].colour:
        return False
    return sum(map(_area, objects[1:])) < LITTLE * _area(objects[0])


def _area(seen: Seen) -> int:
    return int(seen.mask.sum())
