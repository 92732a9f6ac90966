"""Text to image."""

from collections.abc import Sequence

from shared.generation import Kind
from worker.media import Picture
from worker.pipelines.call import OnStep, call, pictures
from worker.pipelines.loaded import Loaded
from worker.pipelines.request import Request


def run(loaded: Loaded, requests: Sequence[Request], on_step: OnStep) -> list[Picture]:
    """A picture for each request; see `call` for `on_step`. Raises BadPicture, ContentRefused, KindUnsupported."""
    pipeline = loaded.pipeline_for(Kind.TEXT_TO_IMAGE)
    return pictures(loaded, call(pipeline, loaded, requests, on_step), requests)
