"""Muon, the optimiser of inner layers, for networks with convolutions."""

from collections.abc import Sequence

import torch
from torch import nn


class Matrices(torch.optim.Muon):
    """Muon (Jordan et al. 2024) for the weights of convolutions too, each as a matrix with a row for each output.

    The matrices are views of the weights and of their gradients, which is why these are kept and only set to zero.
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
