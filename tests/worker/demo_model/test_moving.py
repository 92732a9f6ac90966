"""The motion modules: what they share with the U-Net, what they learn from, and what is exported of both."""

import json
import random
from pathlib import Path

import pytest
import torch
from diffusers import AnimateDiffPipeline, MotionAdapter, UNet2DConditionModel
from diffusers.models.embeddings import SinusoidalPositionalEmbedding
from transformers import CLIPTokenizer

from worker.demo_model import MOTION
from worker.demo_model.autoencoder import LATENT_CHANNELS, new_autoencoder
from worker.demo_model.clips import Reel
from worker.demo_model.denoiser import new_denoiser, new_scheduler
from worker.demo_model.export import export
from worker.demo_model.gallery import MAIN, PICTURES, Gallery, Wall
from worker.demo_model.motions import FRAMES, random_clip
from worker.demo_model.moving import MovingTraining, joined, new_motion_adapter, only, parted, train_moving
from worker.demo_model.reader import TEXT_WIDTH, new_text_encoder
from worker.demo_model.scenes import random_scene
from worker.demo_model.tokens import new_tokenizer

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


@pytest.fixture
def painted() -> tuple[Gallery, Reel]:
    """A few stills of each size and a few clips, of noise."""
    rng = random.Random(1)  # noqa: S311 - it draws scenes
    gallery = {}
    for width, height in PICTURES:
        count = 40 if (width, height) == MAIN else 3
        latents = torch.randn(count, LATENT_CHANNELS, height // 8, width // 8).half()
        layouts = torch.zeros(count, 3, height // 16, width // 16, dtype=torch.uint8)
        gallery[width, height] = Wall([random_scene(rng) for _ in range(count)], latents, layouts)
    clips = torch.randn(3, FRAMES, LATENT_CHANNELS, 16, 16).half()
    layouts = torch.zeros(3, FRAMES, 1, 8, 8, dtype=torch.uint8)
    return gallery, Reel([random_clip(rng) for _ in range(3)], clips, layouts)


def test_the_training_moves_both_and_what_is_exported_makes_clips(
    painted: tuple[Gallery, Reel], tmp_path: Path
) -> None:
    new_tokenizer().save_pretrained(tmp_path / "known")
    tokenizer = CLIPTokenizer.from_pretrained(tmp_path / "known")
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
