"""The hints that travel through the broker. A hint carries no work: it says that a queue has something in it."""

from dataclasses import asdict, dataclass
from typing import ClassVar

GPU = "gpu"
QUEUES = (GPU,)
IO = "io"  # what users' providers make; each worker's threads for it look by themselves, so that no hint travels


@dataclass(frozen=True)
class Wake:
    """There is something in `queue`: look."""

    name: ClassVar[str] = "darkroom.wake"

    queue: str = GPU

    def payload(self) -> dict[str, str]:
        """The hint's keyword arguments as they travel."""
        return asdict(self)
