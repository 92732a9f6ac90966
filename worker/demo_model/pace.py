"""What all training stages share: the learning rate's course, progress lines and checkpoints."""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

WARM_UP = 100
COOL_DOWN = 0.3


class Pace:
    """Drives one stage's optimisers from its first to its last step and reports on the way."""

    def __init__(self, stage: str, optimisers: Sequence[torch.optim.Optimizer], steps: int, start: int = 0) -> None:
        """Starts after `start` steps that an earlier run has done."""
        self.stage, self.steps, self.done = stage, steps, start
        self._optimisers = optimisers
        self._groups = [group for optimiser in optimisers for group in optimiser.param_groups]
        self._peaks = [group.setdefault("peak", group["lr"]) for group in self._groups]
        self._since, self._losses = time.monotonic(), [0.0]

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
        self._report(float(loss.detach()))

    def _report(self, loss: float) -> None:
        self._losses.append(loss)
        if self.done % 50 and not self.finished:
            return
        recent = self._losses[1:]
        pace = (time.monotonic() - self._since) / len(recent)
        mean = sum(recent) / len(recent)
        left = (self.steps - self.done) * pace / 60
        print(
            f"{self.stage} {self.done}/{self.steps} loss {mean:.4f} {pace:.2f} s a step, {left:.0f} min left",
            flush=True,
        )
        self._since, self._losses = time.monotonic(), [0.0]


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Writes beside the file first, so that a kill leaves the old checkpoint or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    torch.save(state, fresh)
    os.replace(fresh, path)


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, weights_only=True)
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
