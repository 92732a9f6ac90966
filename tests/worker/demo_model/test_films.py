"""What the moving part learns from: painted once, with where its object is at every latent's time."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from worker.demo_model import films
from worker.demo_model.film_autoencoder import LATENT_CHANNELS, new_film_autoencoder
from worker.demo_model.films import FOLD, Films, open_films
from worker.demo_model.motions import FRAMES

CELLS = 8


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[Films, Films]:
    monkeypatch.setattr(films, "CLIPS", 9)
    monkeypatch.setattr(films, "BEGINNINGS", 3)
    return open_films(new_film_autoencoder().eval(), 1, tmp_path)


def test_clips_have_a_latent_for_their_first_frame_and_one_for_every_four_after_it(opened: tuple[Films, Films]) -> None:
    clips, beginnings = opened

    assert len(clips.clips) == 9
    assert clips.latents.shape == (9, LATENT_CHANNELS, 1 + FRAMES // FOLD[0], CELLS, CELLS)
    assert clips.layouts.shape == (9, 1, 1 + FRAMES // FOLD[0], CELLS, CELLS)
    assert beginnings.latents.shape == (3, LATENT_CHANNELS, 1, CELLS, CELLS)
    assert torch.isfinite(clips.latents).all()


def test_the_layouts_follow_the_object(opened: tuple[Films, Films]) -> None:
    clips, _ = opened
    columns, rows = np.meshgrid(np.arange(CELLS), np.arange(CELLS))
    for clip, layouts in zip(clips.clips, clips.layouts[:, 0].numpy().astype(float), strict=True):
        for layout, time in ((layouts[0], 0.0), (layouts[-1], 0.875)):
            [item] = clip.at(time).items
            middle = [(grid * layout).sum() / layout.sum() + 0.5 for grid in (columns, rows)]
            assert middle == pytest.approx([item.x * CELLS, item.y * CELLS], abs=0.8)


def test_what_is_painted_is_kept(
    opened: tuple[Films, Films], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()

    again, _ = open_films(nn.Module(), 1, tmp_path)  # type: ignore[arg-type] # it paints nothing and asks nobody

    assert torch.equal(again.latents, opened[0].latents)
    assert again.clips == opened[0].clips
    assert capsys.readouterr().out == ""
