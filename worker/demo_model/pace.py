"""What all training stages share: the learning rate's course, progress bars and checkpoints."""

import os
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

WARM_UP = 100
COOL_DOWN = 0.3
TOLD_EVERY = 50
# Seconds between two looks of a bar: on a terminal, and in a file, which keeps all of them.
ON_A_TERMINAL, IN_A_FILE = 0.5, 30.0


class Pace:
    """Drives one stage's optimisers from its first to its last step and reports on the way."""

    def __init__(self, stage: str, optimisers: Sequence[torch.optim.Optimizer], steps: int, start: int = 0) -> None:
        """Starts after `start` steps that an earlier run has done."""
        self.stage, self.steps, self.done = stage, steps, start
        self._optimisers = optimisers
        self._groups = [group for optimiser in optimisers for group in optimiser.param_groups]
        self._peaks = [group.setdefault("peak", group["lr"]) for group in self._groups]
        self._start, self._losses = start, list[torch.Tensor]()

    @property
    def finished(self) -> bool:
        return self.done >= self.steps

    def step(self, loss: torch.Tensor) -> None:
        """One step down the loss; rates warm up, stay, and fall to zero over the last part of all steps.

        Such a course (Hu et al. 2024, MiniCPM, section 4) can be prolonged: until it falls, no step knows how many
        are to come.
        """
        share = min((self.done + 1) / WARM_UP, (self.steps - self.done) / (COOL_DOWN * self.steps), 1.0)
        for group, peak in zip(self._groups, self._peaks, strict=True):
            group["lr"] = peak * share
        for optimiser in self._optimisers:
            optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_([p for group in self._groups for p in group["params"]], 1.0)
        for optimiser in self._optimisers:
            optimiser.step()
        self.done += 1
        self._report(loss.detach())

    @cached_property
    def _bar(self) -> Any:
        """From the first step on: stages are made before others have ended."""
        return bar(self.stage, self.steps, "steps", self._start)

    def _report(self, loss: torch.Tensor) -> None:
        """The bar moves; what it says of the loss is the mean of the last steps, asked for together."""
        self._losses.append(loss)
        if self.done % TOLD_EVERY == 0 or self.finished:
            self._bar.set_postfix_str(f"loss {torch.stack(self._losses).mean():.4f}", refresh=False)
            self._losses.clear()
        self._bar.update()
        if self.finished:
            self._bar.close()


def bar(title: str, total: int, unit: str, done: int = 0) -> Any:
    """A progress bar, whose `update` says how many more are done."""
    seconds = ON_A_TERMINAL if sys.stderr.isatty() else IN_A_FILE
    return tqdm(desc=title, total=total, initial=done, unit=f" {unit}", mininterval=seconds, maxinterval=seconds)


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Writes beside the file first, so that a kill leaves the old checkpoint or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    torch.save(state, fresh)
    os.replace(fresh, path)


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def numbered(optimisers: Sequence[torch.optim.Optimizer]) -> dict[str, torch.optim.Optimizer]:
    """The optimisers by what a checkpoint calls them."""
    return {f"optimiser {n}": optimiser for n, optimiser in enumerate(optimisers)}


def save_parts(path: Path, parts: Mapping[str, Any], done: int) -> None:
    """A checkpoint of everything that has a state, after so many steps."""
    save_checkpoint(path, {**{name: part.state_dict() for name, part in parts.items()}, "done": done})


def resume(path: Path, parts: Mapping[str, Any]) -> int:
    """Gives each part the state that the checkpoint holds; returns the steps done, zero without a checkpoint."""
    state = load_checkpoint(path)
    if state is None:
        return 0
    for name, part in parts.items():
        part.load_state_dict(state[name])
    return int(state["done"])
