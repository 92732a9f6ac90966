"""What lies where in a picture, cell by cell, and the head that makes a network say so while it learns to paint."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import nn
from torch.nn import functional

from worker.demo_model.painting import placed, silhouette
from worker.demo_model.scenes import COLOURS, KINDS, MOST_ITEMS, Scene

# A cell's side in pixels: what one cell of the U-Net's coarse level covers.
CELL = 16
LAYOUT_WEIGHT = 0.1
FINE = 4


def layout(scene: Scene, size: tuple[int, int]) -> np.ndarray:
    """How much of each cell each object covers, in parts of 255: 3 x rows x columns; the size is width and height."""
    width, height = size
    fine = (width * FINE // CELL, height * FINE // CELL)
    canvas = Image.new("L", fine)
    pen = ImageDraw.Draw(canvas)
    for number, item in reversed(list(enumerate(scene.items, start=1))):
        for outline in silhouette(item.kind):
            pen.polygon(placed(item, outline, *fine), fill=number)
    cells = np.asarray(canvas).reshape(height // CELL, FINE, width // CELL, FINE)
    covered = [(cells == number).mean(axis=(1, 3)) * 255 for number in range(1, MOST_ITEMS + 1)]
    return np.stack(covered).astype(np.uint8)


class LayoutHead(nn.Module):
    """Tells from what a block of the network makes what will be where; it only teaches, and is thrown away.

    An aid of the kind of REPA (Yu et al. 2024): features that are made to mean something learn sooner to paint it.
    """

    def __init__(self, width: int, *blocks: nn.Module) -> None:
        """The output of the block that ran last counts: batch x width x rows x columns."""
        super().__init__()
        self.answers = nn.Linear(width, len(KINDS) + len(COLOURS) + 2)
        self._seen = torch.empty(0)
        for block in blocks:
            block.register_forward_hook(self._look)

    def _look(self, block: nn.Module, inputs: object, output: torch.Tensor) -> None:
        self._seen = output

    def loss(self, scenes: Sequence[Scene], layouts: torch.Tensor) -> torch.Tensor:
        """The mean cross-entropy of kind and colour over all cells; layouts: batch x objects x rows x columns."""
        cells = self._seen.float().flatten(2).transpose(1, 2)
        guesses = self.answers(cells).split([len(KINDS) + 1, len(COLOURS) + 1], dim=-1)
        shares = layouts.to(cells.device).flatten(2).float() / 255
        numbers = [[(KINDS.index(i.kind), list(COLOURS).index(i.colour)) for i in scene.items] for scene in scenes]
        losses = []
        for place, guess in enumerate(guesses):
            truth = torch.zeros_like(guess)
            for row, items in enumerate(numbers):
                for number, item in enumerate(items):
                    truth[row, :, item[place]] += shares[row, number]
            truth[..., -1] = 1 - truth[..., :-1].sum(-1)
            losses.append(functional.cross_entropy(guess.flatten(0, 1), truth.flatten(0, 1)))
        return torch.stack(losses).sum()
