"""What of a request a picture got right."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations

from PIL import Image

from worker.demo_model.judging.asked import ROW, Request, Thing
from worker.demo_model.judging.seeing import Seen, View, look

# Radii, as shares of the shorter side, from which on an object is medium and large.
MEDIUM_FROM, LARGE_FROM = 0.16, 0.26
# The middle third, a little narrower than a third, since objects are drawn well off its borders.
MIDDLE_FROM, MIDDLE_TO = 0.4, 0.6


@dataclass(frozen=True)
class Verdict:
    """Which attributes are right; `objects`: that there are as many as asked, without which no other can be."""

    background: bool
    objects: bool = False
    colours: bool = False
    shapes: bool = False
    position: bool = False
    size: bool = False
    seen_kinds: tuple[str, ...] = ()

    @property
    def everything(self) -> bool:
        """All attributes at once."""
        return self.background and self.objects and self.colours and self.shapes and self.position and self.size


def judge(picture: Image.Image, request: Request) -> Verdict:
    """Looks at the picture and compares it with what was asked for."""
    return compare(look(picture), request)


def compare(view: View, request: Request) -> Verdict:
    """With several objects, each asked one is taken for the seen one that makes most attributes right."""
    background = view.background == request.background
    if len(view.objects) != len(request.things):
        return Verdict(background)
    verdicts = [_verdict(background, order, request) for order in permutations(view.objects)]
    return max(verdicts, key=lambda verdict: verdict.colours + verdict.shapes + verdict.position + verdict.size)


def _verdict(background: bool, seen: Sequence[Seen], request: Request) -> Verdict:
    pairs = list(zip(seen, request.things, strict=True))
    return Verdict(
        background=background,
        objects=True,
        colours=all(one.colour == thing.colour for one, thing in pairs),
        shapes=all(one.kind == thing.kind for one, thing in pairs),
        position=all(_placed(one, thing) for one, thing in pairs) and _related(seen, request.relation),
        size=all(thing.size in (None, _size(one)) for one, thing in pairs),
        seen_kinds=tuple(one.kind for one in seen),
    )


def _size(seen: Seen) -> str:
    if seen.radius < MEDIUM_FROM:
        return "small"
    return "medium" if seen.radius < LARGE_FROM else "large"


def _placed(seen: Seen, thing: Thing) -> bool:
    column, row = _third(seen.x, "left", "right"), _third(seen.y, "top", "bottom")
    return thing.place in (None, f"{row} {column}".strip() or "centre")


def _third(value: float, low: str, high: str) -> str:
    if value < MIDDLE_FROM:
        return low
    return high if value > MIDDLE_TO else ""


def _related(seen: Sequence[Seen], relation: str | None) -> bool:
    if relation is None:
        return True
    if relation == "inside":
        return seen[0].within(seen[1])
    if relation == ROW:
        return all(_beside(left, right, "left") for left, right in pairwise(seen))
    return _beside(seen[0], seen[1], relation)


def _beside(first: Seen, second: Seen, relation: str) -> bool:
    """Off in the asked direction more than in the other one, and neither of them within the other."""
    right, down = first.x - second.x, first.y - second.y
    along = {"left": -right, "right": right, "above": -down, "below": down}[relation]
    apart = not first.within(second) and not second.within(first)
    return apart and along > 0 and along >= max(abs(right), abs(down))
