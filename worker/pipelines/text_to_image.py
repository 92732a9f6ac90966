"""Text to image."""

from collections.abc import Sequence

from worker.media import Picture
from worker.pipelines.call import OnStep, call, pictures, size
from worker.pipelines.loaded import Loaded
from worker.pipelines.request import Request


def run(loaded: Loaded, requests: Sequence[Request], on_step: OnStep) -> list[Picture]:
    """A picture for each request; see `call` for `on_step`."""
    width, height = size(loaded, requests)
    return pictures(call(loaded.pipeline, loaded, requests, on_step, width=width, height=height), requests)
