"""What was found, as a table and as JSON."""

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One line of a table; with a `bar` it says whether that was kept."""

    name: str
    value: Any
    bar: str = ""
    kept: bool = True


@dataclass
class Report:
    """Of one run on one stack."""

    title: str
    figures: list[Figure] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def add(self, name: str, value: Any, bar: str = "", kept: bool = True) -> None:
        self.figures.append(Figure(name, value, bar, kept))

    def at_most(self, name: str, value: float, limit: float, unit: str) -> None:
        """A figure that must not be larger."""
        self.add(name, f"{value:.2f} {unit}", f"at most {limit:g} {unit}", value <= limit)

    @property
    def passed(self) -> bool:
        return not self.violations and all(figure.kept for figure in self.figures)

    def __str__(self) -> str:
        width = max((len(figure.name) for figure in self.figures), default=0)
        lines = [self.title, "-" * len(self.title)]
        for figure in self.figures:
            verdict = f"   [{figure.bar}: {'kept' if figure.kept else 'NOT KEPT'}]" if figure.bar else ""
            lines.append(f"  {figure.name:<{width}}  {figure.value}{verdict}")
        lines += [f"  VIOLATED: {violation}" for violation in self.violations[:50]]
        lines.append(f"  {'passed' if self.passed else 'FAILED'}")
        return "\n".join(lines)


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; `share` is 0 to 1."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * int(share * 1000) // 1000) - 1))]


def spread(values: Sequence[float]) -> str:
    """Median, p90, p95 and the worst, in seconds."""
    if not values:
        return "-"
    p50, p90, p95 = (percentile(values, share) for share in (0.5, 0.9, 0.95))
    return f"p50 {p50:.2f}  p90 {p90:.2f}  p95 {p95:.2f}  max {max(values):.2f} s  (n={len(values)})"


def slope(values: Sequence[tuple[float, float]]) -> float:
    """Least squares: by how much y grows for each x."""
    mean_x = sum(x for x, _ in values) / len(values)
    mean_y = sum(y for _, y in values) / len(values)
    spread_x = sum((x - mean_x) ** 2 for x, _ in values)
    return sum((x - mean_x) * (y - mean_y) for x, y in values) / spread_x if spread_x else 0.0


def write_json(path: Path, reports: Sequence[Report]) -> None:
    """For programs that compare runs."""
    machine = {"processor": platform.machine(), "python": platform.python_version()}
    found = [{**asdict(report), "passed": report.passed} for report in reports]
    text = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **machine, "runs": found}
    path.write_text(json.dumps(text, indent=1, default=str) + "\n")
