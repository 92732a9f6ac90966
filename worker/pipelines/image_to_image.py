"""Image to image: pictures that start from a reference, noised as far as their strength says."""

from collections.abc import Sequence

from shared.generation import Kind
from worker.media import Picture
from worker.pipelines.call import OnStep, call, pictures, size
from worker.pipelines.loaded import Loaded
from worker.pipelines.pixels import cover
from worker.pipelines.request import Request


def run(loaded: Loaded, requests: Sequence[Request], on_step: OnStep) -> list[Picture]:
    """A picture for each request; see `call` for `on_step`. Raises BadPicture, ContentRefused, KindUnsupported."""
    width, height = size(loaded, requests)
    shared = requests[0].parameters
    references = [cover(request.images[0], width, height) for request in requests]
    some = {} if shared.strength is None else {"strength": max(shared.strength, 1 / shared.steps)}
    pipeline = loaded.pipeline_for(Kind.IMAGE_TO_IMAGE)
    images = call(pipeline, loaded, requests, on_step, image=references, **some)
    return pictures(loaded, images, requests)
