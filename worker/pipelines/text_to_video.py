"""Text to video."""

from collections.abc import Sequence

from shared.generation import Kind
from worker.clip import Clip
from worker.pipelines.call import OnStep
from worker.pipelines.clips import clips
from worker.pipelines.loaded import Loaded
from worker.pipelines.request import Request


def run(loaded: Loaded, requests: Sequence[Request], on_step: OnStep) -> list[Clip]:
    """The clip of the one request; see `call` for `on_step`. Raises BadPicture, ContentRefused, KindUnsupported."""
    return clips(Kind.TEXT_TO_VIDEO, loaded, requests, on_step)
