"""The third stage: the U-Net that learns to paint latents out of noise, as the text encoder asks."""

import copy
import random
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch.nn import functional
from transformers import CLIPTextModel, CLIPTokenizer

from worker.demo_model import PICTURE_SIZE
from worker.demo_model.autoencoder import as_tensor, encode
from worker.demo_model.captions import caption, chatter
from worker.demo_model.pace import Pace, load_checkpoint, save_checkpoint
from worker.demo_model.reader import TEXT_WIDTH, tokenize
from worker.demo_model.scenes import Scene, paint, random_scene

BATCH = 32
PEAK_RATE = 6e-4
UNSAID = 0.1
AVERAGING = 0.998
CHECKPOINT_EVERY = 250
PICTURES = {128: 16_000, 64: 1_000, 96: 1_000, 192: 800, 256: 400}
OTHER_SIZE_EVERY = 10
ENCODED_AT_ONCE = 50

Gallery = dict[int, tuple[list[Scene], torch.Tensor]]


def new_denoiser() -> UNet2DConditionModel:
    """Attention where it is cheap, on the two coarser of three levels."""
    return UNet2DConditionModel(
        sample_size=PICTURE_SIZE // 8,
        block_out_channels=(64, 128, 192),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        attention_head_dim=4,
        cross_attention_dim=TEXT_WIDTH,
        norm_num_groups=8,
    )


def new_scheduler() -> DDIMScheduler:
    """Ends in pure noise, without which a plain black or white background cannot be learnt."""
    return DDIMScheduler(
        beta_schedule="linear",
        beta_start=0.0001,
        beta_end=0.02,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
    )


class Training:
    """The third stage's state: the denoiser, its running average and the optimiser."""

    def __init__(self, denoiser: UNet2DConditionModel, steps: int, checkpoint: Path) -> None:
        self.denoiser, self.checkpoint = denoiser, checkpoint
        self.average = copy.deepcopy(denoiser).requires_grad_(False)
        self.optimiser = torch.optim.AdamW(denoiser.parameters(), lr=PEAK_RATE, betas=(0.9, 0.99), weight_decay=0.01)
        self.pace = Pace("denoiser", self.optimiser, steps, self._resume())

    def step(self, loss: torch.Tensor) -> None:
        """One optimiser step, after which the average follows; the first steps are soon forgotten."""
        self.pace.step(loss)
        keep = min(AVERAGING, self.pace.done / (self.pace.done + 10))
        with torch.no_grad():
            for mean, fresh in zip(self.average.parameters(), self.denoiser.parameters(), strict=True):
                mean.lerp_(fresh, 1 - keep)
        if self.pace.done % CHECKPOINT_EVERY == 0 or self.pace.finished:
            self._save()

    def _save(self) -> None:
        parts = {"model": self.denoiser, "average": self.average, "optimiser": self.optimiser}
        state = {name: part.state_dict() for name, part in parts.items()}
        save_checkpoint(self.checkpoint, {**state, "done": self.pace.done})

    def _resume(self) -> int:
        state = load_checkpoint(self.checkpoint)
        if state is None:
            return 0
        self.denoiser.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        return int(state["done"])


def start_training(steps: int, seed: int, checkpoint: Path) -> Training:
    """A fresh start, or where the checkpoint left off."""
    torch.manual_seed(seed)
    denoiser = new_denoiser().to(memory_format=torch.channels_last)
    denoiser.set_attn_processor(AttnProcessor())
    return Training(denoiser, steps, checkpoint)


def train_denoiser(
    training: Training, reader: CLIPTextModel, tokenizer: CLIPTokenizer, gallery: Gallery, seed: int
) -> None:
    """Every step draws its own generator from the seed, so that a resumed run goes on as it would have."""
    scheduler = new_scheduler()
    others = [side for side in gallery if side != PICTURE_SIZE]
    while not training.pace.finished:
        rng = random.Random(f"{seed} denoiser {training.pace.done}")
        torch.manual_seed(rng.getrandbits(32))
        side = rng.choice(others) if training.pace.done % OTHER_SIZE_EVERY == 0 else PICTURE_SIZE
        scenes, latents = _batch(gallery, side, rng)
        tokens = tokenize(tokenizer, [said(scene, rng) for scene in scenes])
        training.step(_loss(training.denoiser, scheduler, latents, _read(reader, tokens)))


@torch.no_grad()
def _read(reader: CLIPTextModel, tokens: torch.Tensor) -> torch.Tensor:
    words: torch.Tensor = reader(tokens).last_hidden_state
    return words


def said(scene: Scene, rng: random.Random) -> str:
    """The caption, or now and then none, which is what guidance steers away from."""
    if rng.random() >= UNSAID:
        return caption(scene, rng)
    return chatter(rng) if rng.random() < 0.2 else ""


def paint_gallery(vae: AutoencoderKL, seed: int, path: Path) -> Gallery:
    """All scenes of the training with their latents; kept in a file, since encoding takes minutes."""
    scenes = {side: gallery_scenes(side, seed) for side in PICTURES}
    latents = load_checkpoint(path)
    if latents is None:
        latents = {str(side): _encoded(vae, scenes[side], side) for side in PICTURES}
        save_checkpoint(path, latents)
    return {side: (scenes[side], latents[str(side)]) for side in PICTURES}


def gallery_scenes(side: int, seed: int) -> list[Scene]:
    rng = random.Random(f"{seed} gallery {side}")
    return [random_scene(rng) for _ in range(PICTURES[side])]


def _encoded(vae: AutoencoderKL, scenes: list[Scene], side: int) -> torch.Tensor:
    print(f"encoding {len(scenes)} pictures of {side} pixels", flush=True)
    parts = []
    for start in range(0, len(scenes), ENCODED_AT_ONCE):
        pixels = [np.asarray(paint(scene, side)) for scene in scenes[start : start + ENCODED_AT_ONCE]]
        with torch.autocast("cpu", torch.bfloat16):
            parts.append(encode(vae, as_tensor(np.stack(pixels))).float().contiguous())
    return torch.cat(parts)


def _batch(gallery: Gallery, side: int, rng: random.Random) -> tuple[list[Scene], torch.Tensor]:
    """Fewer of the larger pictures, so that all steps take about the same time."""
    scenes, latents = gallery[side]
    size = min(BATCH, BATCH * PICTURE_SIZE**2 // side**2)
    chosen = [rng.randrange(len(scenes)) for _ in range(size)]
    return [scenes[number] for number in chosen], latents[chosen].contiguous(memory_format=torch.channels_last)


def _loss(
    denoiser: UNet2DConditionModel, scheduler: DDIMScheduler, latents: torch.Tensor, words: torch.Tensor
) -> torch.Tensor:
    noise = torch.randn_like(latents)
    times = torch.randint(0, scheduler.config.num_train_timesteps, (len(latents),))
    noisy = scheduler.add_noise(latents, noise, times)
    target = scheduler.get_velocity(latents, noise, times)
    with torch.autocast("cpu", torch.bfloat16):
        velocity = denoiser(noisy, times, words).sample
    return functional.mse_loss(velocity.float(), target)
