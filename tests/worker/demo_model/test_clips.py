"""What the motion modules learn from: painted once, with where the object is in every frame."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from worker.demo_model import clips
from worker.demo_model.autoencoder import LATENT_CHANNELS, new_autoencoder
from worker.demo_model.clips import Reel, open_reel
from worker.demo_model.motions import FRAMES

CELLS = 8


@pytest.fixture
def reel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Reel:
    monkeypatch.setattr(clips, "CLIPS", 9)
    return open_reel(new_autoencoder().eval(), 1, tmp_path)


def test_every_frame_has_its_latents_and_its_layout(reel: Reel) -> None:
    assert len(reel.clips) == 9
    assert reel.latents.shape == (9, FRAMES, LATENT_CHANNELS, 16, 16)
    assert reel.layouts.shape == (9, FRAMES, 1, CELLS, CELLS)
    assert torch.isfinite(reel.latents).all()


def test_the_layouts_follow_the_object(reel: Reel) -> None:
    columns, rows = np.meshgrid(np.arange(CELLS), np.arange(CELLS))
    for clip, layouts in zip(reel.clips, reel.layouts[:, :, 0].numpy().astype(float), strict=True):
        for layout, time in ((layouts[0], 0.0), (layouts[-1], 1.0)):
            [item] = clip.at(time).items
            middle = [(grid * layout).sum() / layout.sum() + 0.5 for grid in (columns, rows)]
            assert middle == pytest.approx([item.x * CELLS, item.y * CELLS], abs=0.8)


def test_what_turns_is_shown_oftener(reel: Reel) -> None:
    shown = {clip.motion: weight for clip, weight in zip(reel.clips, reel.weights, strict=True)}
    assert len(shown) > 2
    assert all((weight > 1) == (motion == "rotate") for motion, weight in shown.items())
    assert "rotate" in shown


def test_what_is_painted_is_kept(reel: Reel, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()

    again = open_reel(nn.Module(), 1, tmp_path)  # type: ignore[arg-type] # it paints nothing and asks nobody

    assert torch.equal(again.latents, reel.latents)
    assert again.clips == reel.clips
    assert capsys.readouterr().out == ""
