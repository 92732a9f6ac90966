"""The fourth stage: motion modules between the U-Net's layers learn clips, while the U-Net goes on with stills."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from diffusers import MotionAdapter, UNet2DConditionModel, UNetMotionModel
from diffusers.models.attention_processor import AttnProcessor
from diffusers.models.embeddings import SinusoidalPositionalEmbedding
from torch import nn
from torch.nn import functional
from transformers import CLIPTextModel, CLIPTokenizer

from shared.kinds import ANIMATED, FOR_BOTH
from worker.demo_model.attention import PlainAttention
from worker.demo_model.averaged import Averaged
from worker.demo_model.captions import caption
from worker.demo_model.clips import Reel
from worker.demo_model.denoiser import (
    AVERAGING,
    CHECKPOINT_EVERY,
    UNSAID,
    WIDTHS,
    new_scheduler,
    noise_times,
    optimisers_of,
    read,
    said,
    some_stills,
    stills_loss,
)
from worker.demo_model.gallery import Gallery
from worker.demo_model.layouts import LAYOUT_WEIGHT, LayoutHead
from worker.demo_model.levels import Levels
from worker.demo_model.motions import FRAMES, Clip

# So many clips, of each so many frames; now and then half as many clips with all their frames.
CLIPS_AT_ONCE, FRAMES_SHOWN = 4, 8
WHOLE_EVERY = 4
CLIPS_EVERY = 3
FIRST_GIVEN = 0.5


def new_motion_adapter() -> MotionAdapter:
    """A module after each of the U-Net's layers; at first none of them changes anything."""
    adapter = MotionAdapter(
        block_out_channels=WIDTHS,
        motion_layers_per_block=(1, 2),
        motion_mid_block_layers_per_block=1,
        motion_num_attention_heads=4,
        motion_norm_num_groups=8,
        motion_max_seq_length=2 * FRAMES,
    )
    adapter.register_to_config(**{FOR_BOTH[ANIMATED]: True})
    for name, part in adapter.named_modules():
        if name.endswith(".proj_out"):
            nn.init.zeros_(part.weight)
            nn.init.zeros_(part.bias)
    return adapter


def joined(unet: UNet2DConditionModel, adapter: MotionAdapter) -> UNetMotionModel:
    """Both in one network of clips, in which the U-Net's layers are the U-Net's own ones: what one learns both know."""
    moving = UNetMotionModel.from_unet2d(unet, adapter)
    for name, layer in unet.named_modules():
        if next(layer.parameters(recurse=False), None) is not None:
            parent, _, child = name.rpartition(".")
            setattr(moving.get_submodule(parent), child, layer)
    return moving


def parted(moving: UNetMotionModel, unet: UNet2DConditionModel, adapter: MotionAdapter) -> None:
    """Puts what the network of clips has learnt back into the U-Net and the adapter."""
    weights = moving.state_dict()
    for part in (unet, adapter):
        part.load_state_dict({name: weights[name] for name in part.state_dict()})


class MovingTraining(Averaged):
    """The fourth stage's state; its head and its levels only teach."""

    def __init__(
        self, unet: UNet2DConditionModel, adapter: MotionAdapter, steps: int, checkpoint: Path, device: str = "cpu"
    ) -> None:
        """Takes these two to the device, goes on with them there, and writes into them what has been learnt."""
        self.unet, self.adapter = unet.requires_grad_(True).to(memory_format=torch.channels_last), adapter
        self.moving = joined(unet, adapter.requires_grad_(True)).to(device)
        adapter.to(device)
        for network in (self.unet, self.moving):
            network.set_attn_processor(AttnProcessor())
        super().__init__(self.moving, AVERAGING, checkpoint, CHECKPOINT_EVERY)
        self.head = LayoutHead(WIDTHS[-1], self.unet.mid_block, self.moving.mid_block).to(device)
        self.levels, self.clip_levels = Levels().to(device), Levels().to(device)
        parts = {"head": self.head, "levels": self.levels, "clip levels": self.clip_levels}
        self.begin("moving", optimisers_of(self.moving, self.head), steps, **parts)


def train_moving(
    training: MovingTraining, reader: CLIPTextModel, tokenizer: CLIPTokenizer, gallery: Gallery, reel: Reel, seed: int
) -> None:
    """Clips, with stills in between; every step draws its own generator from the seed."""
    while not training.pace.finished:
        done = training.pace.done
        rng = random.Random(f"{seed} moving {done}")
        torch.manual_seed(rng.getrandbits(32))
        if done % CLIPS_EVERY:
            wall, stills = some_stills(gallery, done - done // CLIPS_EVERY - 1, rng)
            words = read(reader, tokenizer, [said(wall.scenes[number], rng) for number in stills])
            loss = stills_loss(training.unet, training.head, training.levels, wall, stills, words)
        else:
            whole = done // CLIPS_EVERY % WHOLE_EVERY == 0
            chosen = rng.choices(range(len(reel.clips)), reel.weights, k=CLIPS_AT_ONCE // (1 + whole))
            frames = range(FRAMES) if whole else [0, *sorted(rng.sample(range(1, FRAMES), FRAMES_SHOWN - 1))]
            given = [rng.random() < FIRST_GIVEN for _ in chosen]
            told = [_told(reel.clips[number], shown, rng) for number, shown in zip(chosen, given, strict=True)]
            loss = _clips_loss(training, reel, chosen, frames, given, read(reader, tokenizer, told))
        training.step(loss)
    parted(training.average, training.unet, training.adapter)


def _told(clip: Clip, shown: bool, rng: random.Random) -> str:
    """The caption, or now and then none; of what is shown it may say no more than how it moves."""
    return "" if rng.random() < UNSAID else caption(clip.scene, rng, clip.motion, shown)


def _clips_loss(
    training: MovingTraining,
    reel: Reel,
    chosen: Sequence[int],
    frames: Sequence[int],
    given: Sequence[bool],
    words: torch.Tensor,
) -> torch.Tensor:
    """The velocity's error over all frames that are not given, and the layout's.

    A first frame that is given is there without noise, and the modules learn to go by it.
    """
    scheduler = new_scheduler()
    latents = reel.latents[chosen][:, frames].to(training.unet.device).float()
    noise = torch.randn_like(latents)
    steps = scheduler.config.num_train_timesteps
    times = noise_times(len(latents), steps).to(latents.device)
    noisy, target = scheduler.add_noise(latents, noise, times), scheduler.get_velocity(latents, noise, times)
    shown = [number for number, one in enumerate(given) if one]
    noisy[shown, 0] = latents[shown, 0]
    words = words.repeat_interleave(len(frames), dim=0)
    with torch.autocast(latents.device.type, torch.bfloat16), PlainAttention(), only(training.moving, frames):
        velocity = training.moving(noisy.transpose(1, 2), times, words).sample
    errors = functional.mse_loss(velocity.float().transpose(1, 2), target, reduction="none").mean((2, 3, 4))
    counts = torch.ones_like(errors)
    counts[shown, 0] = 0
    errors = (errors * counts).sum(1) / counts.sum(1)
    scenes = [reel.clips[number].scene for number in chosen for _ in frames]
    layouts = reel.layouts[chosen][:, frames].flatten(0, 1)
    seen = training.head.loss(scenes, layouts)
    loss: torch.Tensor = training.clip_levels.even(errors, times, steps) + LAYOUT_WEIGHT * seen
    return loss


@contextmanager
def only(moving: UNetMotionModel, frames: Sequence[int]) -> Iterator[None]:
    """Within it the network takes clips of these frames only, each of which keeps its number.

    More clips with fewer frames teach more in the same time.
    """
    numbers = [part for part in moving.modules() if isinstance(part, SinusoidalPositionalEmbedding)]
    all_frames = [part.pe for part in numbers]
    for part in numbers:
        part.pe = part.pe[:, frames]
    try:
        yield
    finally:
        for part, pe in zip(numbers, all_frames, strict=True):
            part.pe = pe
