"""What all training stages share: the learning rate's course, progress lines and checkpoints."""

import math
import os
import time
from pathlib import Path
from typing import Any

import torch

WARM_UP = 100


class Pace:
    """Drives one stage's optimiser from its first to its last step and reports on the way."""

    def __init__(self, stage: str, optimiser: torch.optim.Optimizer, steps: int, start: int = 0) -> None:
        """Starts after `start` steps that an earlier run has done."""
        self.stage, self.steps, self.done = stage, steps, start
        self._optimiser = optimiser
        self._peaks = [group["lr"] for group in optimiser.param_groups]
        self._since, self._losses = time.monotonic(), [0.0]

    @property
    def finished(self) -> bool:
        return self.done >= self.steps

    def step(self, loss: torch.Tensor) -> None:
        """One optimiser step down the loss: linear warm-up, then a cosine to zero."""
        share = min((self.done + 1) / WARM_UP, 0.5 + 0.5 * math.cos(math.pi * self.done / self.steps))
        for group, peak in zip(self._optimiser.param_groups, self._peaks, strict=True):
            group["lr"] = peak * share
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        parameters = [p for group in self._optimiser.param_groups for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        self._optimiser.step()
        self.done += 1
        self._report(float(loss.detach()))

    def _report(self, loss: float) -> None:
        self._losses.append(loss)
        if self.done % 50 and not self.finished:
            return
        recent = self._losses[1:]
        pace = (time.monotonic() - self._since) / len(recent)
        mean = sum(recent) / len(recent)
        print(f"{self.stage} {self.done}/{self.steps} loss {mean:.4f} {pace:.2f} s a step", flush=True)
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
