"""One batch on one model: cut into calls, each made with as little memory as it takes, checked, and described."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from itertools import groupby

import structlog
import torch

from shared.generation import Kind
from worker.clip import Result
from worker.compiling import as_written
from worker.errors import BadPicture
from worker.job import OnStep
from worker.ladder import Calls, Ladder
from worker.pipelines import image_to_image, image_to_video, text_to_image, text_to_video
from worker.pipelines.call import Look, call_key
from worker.pipelines.call import OnStep as OnCallStep
from worker.pipelines.loaded import Loaded
from worker.pipelines.request import Request
from worker.previews import Previews

log = structlog.get_logger(__name__)

Run = Callable[[Loaded, Sequence[Request], OnCallStep], Sequence[Result]]

RUN: Mapping[Kind, Run] = {
    Kind.TEXT_TO_IMAGE: text_to_image.run,
    Kind.IMAGE_TO_IMAGE: image_to_image.run,
    Kind.TEXT_TO_VIDEO: text_to_video.run,
    Kind.IMAGE_TO_VIDEO: image_to_video.run,
}


class Batch:
    """What shares a batch key, on its way through a model."""

    def __init__(
        self,
        loaded: Loaded,
        kind: Kind,
        on_step: OnStep,
        make_room: Callable[[], None],
        previews: Previews | None = None,
    ) -> None:
        self._previews = previews
        self._loaded = loaded
        self._kind = kind
        self._on_step = on_step
        self._ladder = Ladder(loaded.model.id, loaded, kind, make_room)
        self._before = 0
        self._profile = "exact"
        self._dtype: str | None = None

    def run(self, requests: Sequence[Request], limit: int) -> list[Result]:
        """A picture or clip for each request, at most `limit` pictures or one clip in one call.

        Raises OutOfMemory, BadPicture, ContentRefused, KindUnsupported, LoraUnavailable.
        """
        shared = requests[0].parameters
        size = 1 if shared.reproducible or self._kind.makes_video else limit
        numbers = as_written(self._loaded) if shared.reproducible else nullcontext()
        with numbers, self._loaded.wearing(shared.loras), self._loaded.by_profile(self._kind) as self._profile:
            made = self._ladder.run(self._calls(requests, size), self._once)
        by_request = {id(request): picture for request, picture in made}
        return [replace(by_request[id(request)], made=self._facts()) for request in requests]

    def climb_back(self) -> bool:
        """Undo what was done to need less memory. False when the model has to be loaded anew for that."""
        return self._ladder.climb_back()

    def _calls(self, requests: Sequence[Request], size: int) -> Calls:
        def key(request: Request) -> str:
            return repr(call_key(self._loaded, request))

        groups = [list(group) for _, group in groupby(sorted(requests, key=key), key)]
        return [group[start : start + size] for group in groups for start in range(0, len(group), size)]

    def _once(self, call: Sequence[Request], left: int) -> Sequence[Result]:
        of = call[0].parameters.denoising_steps

        def within(done: int, steps: int, look: Look) -> None:
            nonlocal of
            of = steps
            self._on_step(self._before + done, self._before + left * steps)
            if self._previews:
                self._previews.offer(done, look)

        if self._previews:
            self._previews.begin()
        made = self._made(call, within)
        self._before += of
        return made

    def _made(self, call: Sequence[Request], on_step: OnCallStep) -> Sequence[Result]:
        run = RUN[self._kind]
        try:
            return run(self._loaded, call, on_step)
        except BadPicture:
            if len(call) > 1:
                return [picture for request in call for picture in self._made([request], on_step)]
            if self._loaded.dtype == torch.float32:
                raise
        log.warning("bad_picture", model=self._loaded.model.id)
        with self._loaded.in_float32():
            self._dtype = "float32"
            return run(self._loaded, call, on_step)

    def _facts(self) -> dict[str, object]:
        again = {"dtype": self._dtype} if self._dtype else {}
        return {**self._loaded.facts, **again, "profile": self._profile, "rung": self._ladder.rung.value}
