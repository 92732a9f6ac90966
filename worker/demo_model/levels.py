"""Every noise level counts the same, however large its error is."""

import torch
from torch import nn

LEVELS = 20
FORGETTING = 0.05


class Levels(nn.Module):
    """The usual error of each of twenty ranges of noise levels, by which errors are divided.

    What no network can know is most of the error where there is much noise; undivided it would drown what is decided
    at the middle levels, the shapes. Karras et al. 2024 (Analyzing and Improving the Training Dynamics of Diffusion
    Models, section 2.2) do the same with weights that are learnt.
    """

    usual: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("usual", torch.zeros(LEVELS))

    def even(self, errors: torch.Tensor, times: torch.Tensor, steps: int) -> torch.Tensor:
        """The mean of the errors, each weighed by its level; errors and times (of so many steps): batch."""
        levels = times * LEVELS // steps
        with torch.no_grad():
            nothing = torch.zeros_like(self.usual)
            counts = nothing.index_add(0, levels, torch.ones_like(errors))
            means = nothing.index_add(0, levels, errors.detach()) / counts.clamp(min=1)
            heard = torch.where(self.usual == 0, means, self.usual.lerp(means, FORGETTING))
            self.usual.copy_(torch.where(counts == 0, self.usual, heard))
            weights = self.usual.sum() / (self.usual > 0).sum() / self.usual[levels]
        return (errors * weights).mean()
