"""One picture to make."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.claims import Claim
from shared.generation import Parameters


@dataclass(frozen=True)
class Request:
    """A picture's prompt and seed, and the parameters that it shares with the others of its batch."""

    prompt: str
    seed: int
    parameters: Parameters

    @classmethod
    def of(cls, claim: Claim) -> "Iterator[Request]":
        """A task's pictures: seed, seed + 1, ..."""
        for number in range(claim.parameters.num_images):
            yield cls(claim.prompt, claim.parameters.seed + number, claim.parameters)
