"""The measured shares with their 95 % confidence intervals, as data and as a table."""

from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import sha256
from math import sqrt
from pathlib import Path
from typing import Any

from worker.demo_model.judging.asked import Request
from worker.demo_model.judging.verdicts import Verdict

CLASSES = {1: "one object", 2: "two objects", 3: "three objects"}
MARKS: dict[str, Callable[[Verdict], bool]] = {
    "background": lambda verdict: verdict.background,
    "number of objects": lambda verdict: verdict.objects,
    "colours": lambda verdict: verdict.colours,
    "shapes": lambda verdict: verdict.shapes,
    "position": lambda verdict: verdict.position,
    "size": lambda verdict: verdict.size,
    "everything": lambda verdict: verdict.everything,
}
# Of the normal distribution, for 95 %.
QUANTILE = 1.959964
UNSEEN = "not alone or not there"

Judged = Sequence[tuple[Request, Verdict]]


def figures(judged: Judged) -> dict[str, Any]:
    """How many prompts of every class are right in every attribute, and what the kinds were taken for."""
    classes: dict[str, list[Verdict]] = {name: [] for name in CLASSES.values()}
    for request, verdict in judged:
        classes[CLASSES[len(request.things)]].append(verdict)
    return {
        "prompts": {name: len(verdicts) for name, verdicts in classes.items()},
        "right": {
            mark: {name: share(list(map(is_right, verdicts))) for name, verdicts in classes.items() if verdicts}
            for mark, is_right in MARKS.items()
        },
        "seen_as": _seen_as(judged),
    }


def share(right: Sequence[bool]) -> dict[str, float]:
    """Percent, with Wilson's score interval (Wilson, 1927), which also holds near 0 and 100."""
    count, mean = len(right), sum(right) / len(right)
    spread = QUANTILE**2 / count
    middle = (mean + spread / 2) / (1 + spread)
    half = QUANTILE / (1 + spread) * sqrt(mean * (1 - mean) / count + spread / (4 * count))
    return {
        "percent": round(100 * mean, 1),
        "low": round(100 * max(middle - half, 0), 1),
        "high": round(100 * min(middle + half, 1), 1),
    }


def table(found: dict[str, Any]) -> str:
    """The shares in Markdown."""
    names = list(found["right"]["everything"])
    lines = [f"| right | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
    lines += [row(mark, found["right"][mark]) for mark in found["right"]]
    return "\n".join(lines)


def row(mark: str, shares: dict[str, dict[str, float]]) -> str:
    """One line of the table, with the intervals in brackets."""
    cells = [f"{one['percent']} % ({one['low']} to {one['high']})" for one in shares.values()]
    return f"| {mark} | {' | '.join(cells)} |"


def weights_hashes(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file of weights, by its path in the folder."""
    paths = sorted(folder.rglob("*.safetensors"))
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in paths}


def _seen_as(judged: Judged) -> dict[str, dict[str, int]]:
    """For every asked kind of a single object, how often it was taken for what."""
    counts: dict[str, Counter[str]] = {}
    for request, verdict in judged:
        if len(request.things) == 1:
            seen = verdict.seen_kinds[0] if verdict.seen_kinds else UNSEEN
            counts.setdefault(request.things[0].kind, Counter())[seen] += 1
    return {kind: dict(counts[kind].most_common()) for kind in sorted(counts)}
