"""One picture to make."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image

from shared.claims import Claim
from shared.generation import Parameters


@dataclass(frozen=True)
class Request:
    """A picture's prompt, seed and reference images, and the parameters that it shares with the others of its batch.

    `preview_of` is the task that is shown by this picture while it runs: by its first one.
    """

    prompt: str
    seed: int
    parameters: Parameters
    images: Sequence[Image.Image] = ()
    preview_of: Claim | None = None

    @classmethod
    def of(cls, claim: Claim, images: Sequence[Image.Image] = ()) -> "Iterator[Request]":
        """A task's pictures: seed, seed + 1, ..."""
        for number in range(claim.parameters.num_images):
            preview_of = None if number else claim
            yield cls(claim.prompt, claim.parameters.seed + number, claim.parameters, images, preview_of)
