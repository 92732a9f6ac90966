"""Image to video: clips that begin with a reference and, where the model can, end with another one."""

import inspect
from collections.abc import Sequence

from shared.generation import Kind
from worker.clip import Clip
from worker.errors import KindUnsupported
from worker.pipelines.call import OnStep, size
from worker.pipelines.clips import clips
from worker.pipelines.loaded import Loaded
from worker.pipelines.pixels import cover
from worker.pipelines.request import Request


def run(loaded: Loaded, requests: Sequence[Request], on_step: OnStep) -> list[Clip]:
    """The clip of the one request; see `call` for `on_step`. Raises BadPicture, ContentRefused, KindUnsupported."""
    width, height = size(loaded, requests)
    first, *last = [cover(image, width, height) for image in requests[0].images]
    takes = inspect.signature(loaded.pipeline_for(Kind.IMAGE_TO_VIDEO).__call__).parameters
    if len(last) > ("last_image" in takes):
        raise KindUnsupported(loaded.model.id, "does not take so many references")
    end = {"last_image": last[0]} if last else {}
    return clips(Kind.IMAGE_TO_VIDEO, loaded, requests, on_step, image=first, **end)
