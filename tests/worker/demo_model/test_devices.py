"""The training keeps its tensors where its networks are.

Seen on the meta device, which every machine has: nothing is computed on it, and most of what lies elsewhere is refused.
"""

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import CLIPTextModel, CLIPTokenizer

from worker.demo_model import autoencoder
from worker.demo_model.autoencoder import as_tensor, encode, train_autoencoder
from worker.demo_model.clips import Reel
from worker.demo_model.denoiser import Training, new_denoiser, train_denoiser
from worker.demo_model.gallery import Gallery
from worker.demo_model.moving import MovingTraining, new_motion_adapter, train_moving
from worker.demo_model.pace import Pace
from worker.demo_model.reader import new_text_encoder, train_reader

ELSEWHERE = "meta"


@pytest.fixture(autouse=True)
def _nothing_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are no numbers to report, and no half precision."""
    monkeypatch.setattr(Pace, "_report", lambda pace, loss: None)
    monkeypatch.setattr(torch, "autocast", lambda *_: nullcontext())


@pytest.fixture
def reader(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    return new_text_encoder(tokenizer).to(ELSEWHERE)


def refuses(network: torch.nn.Module, *given: torch.Tensor) -> bool:
    """Whether it does, which is what these tests stand on."""
    try:
        network(*given)
    except RuntimeError:
        return True
    return False


def test_a_network_elsewhere_refuses_what_lies_here() -> None:
    assert refuses(new_denoiser().to(ELSEWHERE), torch.randn(1, 8, 16, 16), torch.tensor([1]), torch.randn(1, 4, 160))


def test_the_autoencoder_is_trained_and_used_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autoencoder, "_scale", lambda *_: 1.0)
    vae = train_autoencoder(1, 1, tmp_path / "autoencoder.pt", ELSEWHERE)

    assert encode(vae, as_tensor(np.zeros((1, 64, 64, 3), np.uint8))).device.type == ELSEWHERE


def test_the_reader_is_trained_elsewhere(tokenizer: CLIPTokenizer, tmp_path: Path) -> None:
    assert train_reader(tokenizer, 1, 1, tmp_path / "reader.pt", ELSEWHERE).device.type == ELSEWHERE


def test_stills_are_learnt_elsewhere(
    reader: CLIPTextModel, tokenizer: CLIPTokenizer, painted: tuple[Gallery, Reel], tmp_path: Path
) -> None:
    training = Training(1, 1, tmp_path / "denoiser.pt", ELSEWHERE)

    train_denoiser(training, reader, tokenizer, painted[0], 7)

    assert {weight.device.type for weight in training.average.parameters()} == {ELSEWHERE}


def test_clips_are_learnt_elsewhere(
    reader: CLIPTextModel, tokenizer: CLIPTokenizer, painted: tuple[Gallery, Reel], tmp_path: Path
) -> None:
    unet, adapter = new_denoiser(), new_motion_adapter()
    training = MovingTraining(unet, adapter, 2, tmp_path / "moving.pt", ELSEWHERE)

    train_moving(training, reader, tokenizer, *painted, 7)

    assert {weight.device.type for part in (unet, adapter) for weight in part.parameters()} == {ELSEWHERE}
