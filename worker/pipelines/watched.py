"""A scheduler that remembers its last step: what it was given, and what it made of that."""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import torch
from diffusers import FlowMatchEulerDiscreteScheduler


def watch(scheduler: Any, after_step: Callable[[], None] = lambda: None) -> None:
    """From now on it remembers, and calls `after_step` after each of its steps.

    Through a class of its own: pipelines copy schedulers and read the signature of `step`.
    """
    kind: Any = type(scheduler)
    scheduler.__class__ = _watched(kind)
    scheduler.after_step = after_step


def expected(scheduler: Any) -> torch.Tensor | None:
    """The latents that a watched scheduler expects in the end, as it did at its last step; None before the first.

    Those that it goes on with are full of noise for most of the time.
    """
    if scheduler.last_step is None:
        return None
    output, sample, made = scheduler.last_step
    found: torch.Tensor = made[0]
    if len(made) > 1:
        found = made[1]  # DDIM, Euler, LCM: beside the next sample
    elif hasattr(scheduler, "model_outputs"):
        found = scheduler.model_outputs[-1]  # DPM++, UniPC: kept in this form for their next step
    elif isinstance(scheduler, FlowMatchEulerDiscreteScheduler):
        found = sample - scheduler.sigmas[scheduler.step_index - 1] * output
    return found


@cache
def _watched(kind: Any) -> Any:
    class Watched(kind):  # type: ignore[misc]
        last_step: Any = None

        @wraps(kind.step)
        def step(self, model_output: Any, timestep: Any, sample: Any, *args: Any, **kwargs: Any) -> Any:
            made = super().step(model_output, timestep, sample, *args, **kwargs)
            self.last_step = model_output, sample, made
            self.after_step()
            return made

    Watched.__name__, Watched.__qualname__, Watched.__module__ = kind.__name__, kind.__qualname__, kind.__module__
    return Watched
