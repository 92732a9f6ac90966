"""Muon, the optimiser of inner layers, for networks with convolutions."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn


class Matrices(torch.optim.Muon):
    """Muon (Jordan et al. 2024) for the weights of convolutions too, each as a matrix with a row for each output.

    The matrices are views of the weights and of their gradients, which is why these are kept and only set to zero.
    Those of one shape go through the iteration together, which takes a processor about two thirds of the time that
    torch's own takes for one after the other; the outcome is the same.
    """

    def __init__(self, weights: Sequence[nn.Parameter], lr: float) -> None:
        views = []
        for weight in weights:
            weight.grad = torch.zeros_like(weight)
            views.append(nn.Parameter(_as_matrix(weight.data)))
            views[-1].grad = _as_matrix(weight.grad)
        super().__init__(views, lr=lr, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")

    def zero_grad(self, set_to_none: bool = False) -> None:
        super().zero_grad(set_to_none=False)

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override] # nobody has a closure
        """One step as torch's Muon takes it, with Nesterov's momentum."""
        (group,) = self.param_groups
        alike: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
        for matrix in group["params"]:
            alike[matrix.shape].append(matrix)
        for shape, matrices in alike.items():
            onward = torch.stack([self._onward(matrix, group["momentum"]) for matrix in matrices])
            ways = orthogonal(onward, group["ns_coefficients"], group["ns_steps"], group["eps"])
            # As long as AdamW's steps, whose learning rate it can share (Liu et al. 2025, section 2.2).
            rate = group["lr"] * 0.2 * max(shape) ** 0.5
            for matrix, way in zip(matrices, ways, strict=True):
                matrix.mul_(1 - group["lr"] * group["weight_decay"]).add_(way, alpha=-rate)

    def _onward(self, matrix: nn.Parameter, momentum: float) -> torch.Tensor:
        """Where the gradient and the running average of all before it point, in half precision."""
        grad: Any = matrix.grad  # which is always there
        state = self.state[matrix]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(matrix)
        average: torch.Tensor = state["momentum_buffer"].lerp_(grad, 1 - momentum)
        return torch.lerp(grad, average, momentum).bfloat16()


def orthogonal(ways: torch.Tensor, coefficients: tuple[float, float, float], steps: int, least: float) -> torch.Tensor:
    """Newton and Schulz's iteration (Jordan et al. 2024): count x rows x columns."""
    upright = ways.shape[1] > ways.shape[2]
    if upright:
        ways = ways.mT
    ways = ways / ways.norm(dim=(1, 2), keepdim=True).clamp(min=least)
    a, b, c = coefficients
    for _ in range(steps):
        gram = ways @ ways.mT
        ways = torch.baddbmm(ways, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), ways, beta=a)
    return ways.mT if upright else ways


def _as_matrix(weight: torch.Tensor) -> torch.Tensor:
    """A view; raises RuntimeError where the weight lies in memory neither output by output nor channels last."""
    if weight.is_contiguous():
        return weight.view(len(weight), -1)
    return weight.permute(0, 2, 3, 1).view(len(weight), -1)


def sorted_out(network: nn.Module, outer: tuple[str, ...]) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The inner layers' weights, which Muon is for, and all the rest; `outer`: what the names of the latter contain."""
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, weight in network.named_parameters():
        inner = weight.ndim > 1 and not any(part in name for part in outer)
        (matrices if inner else others).append(weight)
    return matrices, others
