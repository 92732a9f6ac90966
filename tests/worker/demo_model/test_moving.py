"""The motion modules: what they share with the U-Net, what they learn from, and what is exported of both."""

import json
from pathlib import Path

import torch
from diffusers import AnimateDiffPipeline, MotionAdapter, UNet2DConditionModel
from diffusers.models.embeddings import SinusoidalPositionalEmbedding
from transformers import CLIPTokenizer

from worker.demo_model import MOTION
from worker.demo_model.autoencoder import LATENT_CHANNELS, new_autoencoder
from worker.demo_model.clips import Reel
from worker.demo_model.denoiser import new_denoiser, new_scheduler
from worker.demo_model.export import export
from worker.demo_model.gallery import Gallery
from worker.demo_model.motions import FRAMES
from worker.demo_model.moving import MovingTraining, joined, new_motion_adapter, only, parted, train_moving
from worker.demo_model.reader import TEXT_WIDTH, new_text_encoder

TIME = torch.tensor([500])


def unet_and_adapter() -> tuple[UNet2DConditionModel, MotionAdapter]:
    torch.manual_seed(1)
    return new_denoiser().eval(), new_motion_adapter().eval()


@torch.no_grad()
def test_modules_that_have_learnt_nothing_change_nothing() -> None:
    unet, adapter = unet_and_adapter()
    clip, words = torch.randn(1, LATENT_CHANNELS, 3, 8, 8), torch.randn(1, 4, TEXT_WIDTH)

    moving = joined(unet, adapter)(clip, TIME, words.expand(3, -1, -1)).sample
    stills = [unet(clip[:, :, frame], TIME, words).sample for frame in range(3)]

    assert torch.allclose(moving, torch.stack(stills, dim=2), atol=1e-4)


def test_what_the_network_of_clips_learns_the_unet_and_the_adapter_know() -> None:
    unet, adapter = unet_and_adapter()
    moving = joined(unet, adapter)

    assert {id(weight) for weight in unet.parameters()} < {id(weight) for weight in moving.parameters()}
    for weight in moving.parameters():
        torch.nn.init.constant_(weight, 0.5)
    parted(moving, unet, adapter)

    assert {weight.detach().mean().item() for part in (unet, adapter) for weight in part.parameters()} == {0.5}


def test_of_a_clip_some_frames_keep_their_numbers() -> None:
    moving = joined(*unet_and_adapter())
    numbers = [part for part in moving.modules() if isinstance(part, SinusoidalPositionalEmbedding)]
    before = numbers[0].pe

    with only(moving, [0, 7]):
        shown = numbers[0].pe

    assert torch.equal(shown, before[:, [0, 7]])
    assert all(part.pe.shape[1] == 2 * FRAMES for part in numbers)


def test_the_training_moves_both_and_what_is_exported_makes_clips(
    painted: tuple[Gallery, Reel], tokenizer: CLIPTokenizer, tmp_path: Path
) -> None:
    reader = new_text_encoder(tokenizer).eval()
    unet, adapter = unet_and_adapter()
    before = unet.conv_in.weight.detach().clone()

    training = MovingTraining(unet, adapter, 3, tmp_path / "moving.pt")
    train_moving(training, reader, tokenizer, *painted, 7)
    export(tmp_path / "out", new_autoencoder(), reader, tokenizer, unet, new_scheduler(), adapter)

    assert not torch.equal(unet.conv_in.weight, before)
    assert not [path for path in (tmp_path / "out").rglob("*.json") if str(tmp_path) in path.read_text()]
    moved = MotionAdapter.from_pretrained(tmp_path / "out" / MOTION, dtype=torch.float32)
    assert moved.config["takes_first_frame"]
    assert moved.down_blocks[0].motion_modules[0].proj_out.weight.abs().max() > 0
    pipeline = AnimateDiffPipeline.from_pretrained(tmp_path / "out", motion_adapter=moved, dtype=torch.float32)
    assert json.loads((tmp_path / "out" / "tokenizer" / "tokenizer.json").read_text())["padding"] is None
    made = pipeline("a red circle", num_frames=4, width=64, height=64, num_inference_steps=1, output_type="np")
    assert made.frames.shape == (1, 4, 64, 64, 3)
