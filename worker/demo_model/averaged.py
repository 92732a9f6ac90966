"""A stage that ships a running average: the network that learns, its average, and the checkpoint of both."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from worker.demo_model.pace import Pace, numbered, resume, save_parts


class Averaged:
    """The network in training and its average; `keeping` is how much of the average each step leaves as it is."""

    pace: Pace

    def __init__(self, network: nn.Module, keeping: float, checkpoint: Path, every: int) -> None:
        """A checkpoint is written every so many steps, and after the last one."""
        self.average = copy.deepcopy(network).requires_grad_(False)
        self._network = network
        self._keeping = keeping
        self._checkpoint = checkpoint
        self._every = every

    def begin(self, stage: str, optimisers: Sequence[torch.optim.Optimizer], steps: int, **others: Any) -> None:
        """From the start or from the checkpoint; `others` also have a state to be kept."""
        self._parts = {"model": self._network, "average": self.average, **others, **numbered(optimisers)}
        self.pace = Pace(stage, optimisers, steps, resume(self._checkpoint, self._parts))

    def begin_with(self, weights: nn.Module) -> None:
        """Before the first step, takes over what a network of the same kind has learnt; later it changes nothing."""
        if self.pace.done == 0:
            self._network.load_state_dict(weights.state_dict())
            self.average.load_state_dict(weights.state_dict())

    def step(self, loss: torch.Tensor) -> None:
        """One step of the optimisers, after which the average follows; the first steps are soon forgotten."""
        self.pace.step(loss)
        keep = min(self._keeping, self.pace.done / (self.pace.done + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self._network.parameters()), 1 - keep)
        if self.pace.done % self._every == 0 or self.pace.finished:
            save_parts(self._checkpoint, self._parts, self.pace.done)
