"""The third stage: the U-Net that learns to paint latents out of noise, as the text encoder asks."""

import random
from collections.abc import Sequence
from pathlib import Path

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import nn
from torch.nn import functional
from transformers import CLIPTextModel, CLIPTokenizer

from worker.demo_model import PICTURE_SIZE
from worker.demo_model.autoencoder import LATENT_CHANNELS
from worker.demo_model.averaged import Averaged
from worker.demo_model.captions import caption, chatter
from worker.demo_model.gallery import MAIN, Gallery, Size, Wall
from worker.demo_model.layouts import LAYOUT_WEIGHT, LayoutHead
from worker.demo_model.levels import Levels
from worker.demo_model.matrices import Matrices, sorted_out
from worker.demo_model.reader import TEXT_WIDTH, tokenize
from worker.demo_model.scenes import Scene

BATCH = 32
PEAK_RATE = 1.5e-3
UNSAID = 0.1
AVERAGING = 0.999
CHECKPOINT_EVERY = 200
OTHER_SIZE_EVERY = 6
WIDTHS = (96, 160)
# What AdamW is for, though these are matrices, too.
OUTER = ("conv_in", "conv_out", "time_embedding")


def new_denoiser() -> UNet2DConditionModel:
    """Two levels; attention only on the coarse one, where a cell is sixteen pixels wide."""
    return UNet2DConditionModel(
        sample_size=PICTURE_SIZE // 8,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        block_out_channels=WIDTHS,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        layers_per_block=(1, 2),
        attention_head_dim=5,
        cross_attention_dim=TEXT_WIDTH,
        norm_num_groups=8,
    )


def new_scheduler() -> DDIMScheduler:
    """Ends in pure noise, without which a plain black or white background cannot be learnt."""
    return DDIMScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
    )


class Training(Averaged):
    """The third stage's state; its head and its levels only teach."""

    def __init__(self, steps: int, seed: int, checkpoint: Path, device: str = "cpu") -> None:
        torch.manual_seed(seed)
        self.denoiser = new_denoiser().to(device, memory_format=torch.channels_last)
        self.denoiser.set_attn_processor(AttnProcessor())
        super().__init__(self.denoiser, AVERAGING, checkpoint, CHECKPOINT_EVERY)
        self.head = LayoutHead(WIDTHS[-1], self.denoiser.mid_block).to(device)
        self.levels = Levels().to(device)
        self.begin("denoiser", optimisers_of(self.denoiser, self.head), steps, head=self.head, levels=self.levels)


def optimisers_of(network: nn.Module, head: LayoutHead) -> list[torch.optim.Optimizer]:
    """Of a U-Net, with or without motion modules, and the head that teaches it."""
    matrices, others = sorted_out(network, OUTER)
    return [
        Matrices(matrices, PEAK_RATE),
        torch.optim.AdamW([*others, *head.parameters()], lr=PEAK_RATE, betas=(0.9, 0.99), weight_decay=0.01),
    ]


def train_denoiser(
    training: Training, reader: CLIPTextModel, tokenizer: CLIPTokenizer, gallery: Gallery, seed: int
) -> None:
    """Every step draws its own generator from the seed, so that a resumed run goes on as it would have."""
    while not training.pace.finished:
        rng = random.Random(f"{seed} denoiser {training.pace.done}")
        torch.manual_seed(rng.getrandbits(32))
        wall, chosen = some_stills(gallery, training.pace.done, rng)
        words = read(reader, tokenizer, [said(wall.scenes[number], rng) for number in chosen])
        training.step(stills_loss(training.denoiser, training.head, training.levels, wall, chosen, words))


def some_stills(gallery: Gallery, step: int, rng: random.Random) -> tuple[Wall, list[int]]:
    """Pictures of one size, now and then of another one than the usual, and which of them to learn from."""
    size = rng.choice([size for size in gallery if size != MAIN]) if step % OTHER_SIZE_EVERY == 0 else MAIN
    wall = gallery[size]
    return wall, [rng.randrange(len(wall.scenes)) for _ in range(_batch_size(size))]


@torch.no_grad()
def read(reader: CLIPTextModel, tokenizer: CLIPTokenizer, captions: list[str]) -> torch.Tensor:
    """What the captions say: batch x tokens x width."""
    words: torch.Tensor = reader(tokenize(tokenizer, captions).to(reader.device)).last_hidden_state
    return words


def said(scene: Scene, rng: random.Random) -> str:
    """The caption, or now and then none, which is what guidance steers away from."""
    if rng.random() >= UNSAID:
        return caption(scene, rng)
    return chatter(rng) if rng.random() < 0.2 else ""


def _batch_size(size: Size) -> int:
    """Fewer of the larger pictures, so that all steps take about the same time."""
    return min(BATCH, BATCH * MAIN[0] * MAIN[1] // (size[0] * size[1]))


def noise_times(count: int, steps: int) -> torch.Tensor:
    """Noise levels to practise, of so many steps; shape: count.

    Mostly from the middle, where it is decided what is seen (Esser et al. 2024, section 3.1), some from anywhere.
    """
    middle = torch.sigmoid(0.4 + torch.randn(count))
    any_time = torch.rand(count)
    return (torch.where(torch.rand(count) < 0.8, middle, any_time) * steps).long().clamp(max=steps - 1)


def stills_loss(
    denoiser: UNet2DConditionModel,
    head: LayoutHead,
    levels: Levels,
    wall: Wall,
    chosen: Sequence[int],
    words: torch.Tensor,
) -> torch.Tensor:
    """The velocity's error, and the layout's."""
    scheduler = new_scheduler()
    latents = wall.latents[chosen].to(denoiser.device).float().contiguous(memory_format=torch.channels_last)
    noise = torch.randn_like(latents)
    steps = scheduler.config.num_train_timesteps
    times = noise_times(len(latents), steps).to(latents.device)
    noisy = scheduler.add_noise(latents, noise, times)
    target = scheduler.get_velocity(latents, noise, times)
    with torch.autocast(latents.device.type, torch.bfloat16):
        velocity = denoiser(noisy, times, words).sample
    errors = functional.mse_loss(velocity.float(), target, reduction="none").mean((1, 2, 3))
    scenes = [wall.scenes[number] for number in chosen]
    loss: torch.Tensor = levels.even(errors, times, steps) + LAYOUT_WEIGHT * head.loss(scenes, wall.layouts[chosen])
    return loss
