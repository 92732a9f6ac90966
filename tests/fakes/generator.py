"""The engine's stand-in: plain pictures at once, and whatever trouble a test asks for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from shared.claims import Claim
from shared.generation import Shape
from worker.media import Picture

STEPS = 2


@dataclass
class FakeGenerator:
    """`trouble` is called with each batch before its first step, and may raise; `decoding` is after its last one."""

    limit: int = 4
    trouble: Callable[[Sequence[Claim]], None] = lambda claimed: None
    decoding: Callable[[Sequence[Claim]], None] = lambda claimed: None
    batches: list[list[str]] = field(default_factory=list)

    loaded: tuple[str, ...] = ("tiny",)

    def batch_limit(self, shape: Shape) -> int:
        return self.limit

    def generate(self, claimed: Sequence[Claim], on_step: Callable[[int, int], None]) -> list[list[Picture]]:
        self.batches.append([claim.prompt for claim in claimed])
        self.trouble(claimed)
        for step in range(1, STEPS + 1):
            on_step(step, STEPS)
        self.decoding(claimed)
        return [[picture_of(claim, number) for number in range(claim.parameters.num_images)] for claim in claimed]


def picture_of(claim: Claim, number: int = 0) -> Picture:
    """A grey picture of the size that was asked for."""
    shape = (claim.parameters.height, claim.parameters.width, 3)
    return Picture(np.full(shape, 128, dtype=np.uint8), claim.parameters.seed + number)
