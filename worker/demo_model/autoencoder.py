"""The first stage: an autoencoder that folds eight by eight pixels into one latent of eight numbers."""

import random
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution as Posterior
from torch.nn import functional

from worker.demo_model.matrices import Matrices, sorted_out
from worker.demo_model.pace import Pace, numbered, resume, save_parts
from worker.demo_model.painting import paint
from worker.demo_model.scenes import random_scene

LATENT_CHANNELS = 8
BATCH = 24
CROP = 64
PEAK_RATE = 1.5e-3
KL_WEIGHT = 1e-4
# How far off latents may be, in parts of their own spread, before the decoder stops making clean edges of them.
SLACK = 0.2
# How much more an error counts where the picture has an edge: shapes are little else.
EDGES = 6.0
CHECKPOINT_EVERY = 200


def new_autoencoder() -> AutoencoderKL:
    """Without attention, so that it treats every picture size alike.

    One group per norm: with more, a large plain background decides how a small object's colour comes out.
    """
    return AutoencoderKL(
        block_out_channels=(16, 32, 64, 64),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=1,
        mid_block_add_attention=False,
        sample_size=128,
    )


def train_autoencoder(steps: int, seed: int, checkpoint: Path, device: str = "cpu") -> AutoencoderKL:
    """Trains on crops of painted scenes and settles the scale that gives latents unit variance."""
    torch.manual_seed(seed)
    vae = new_autoencoder().to(device, memory_format=torch.channels_last)
    matrices, others = sorted_out(vae, ("encoder.conv_in", "decoder.conv_out"))
    optimisers = [Matrices(matrices, PEAK_RATE), torch.optim.AdamW(others, lr=PEAK_RATE, weight_decay=0.0)]
    parts = {"model": vae, **numbered(optimisers)}
    pace = Pace("autoencoder", optimisers, steps, resume(checkpoint, parts))
    while not pace.finished:
        pace.step(_loss(vae, _crops(random.Random(f"{seed} crops {pace.done}"))))
        if pace.done % CHECKPOINT_EVERY == 0 or pace.finished:
            save_parts(checkpoint, parts, pace.done)
    vae.eval()
    vae.register_to_config(scaling_factor=_scale(vae, seed))
    return vae


@torch.no_grad()
def encode(vae: AutoencoderKL, pictures: torch.Tensor) -> torch.Tensor:
    """The scaled latents that the denoiser learns on, where the autoencoder is."""
    with torch.autocast(vae.device.type, torch.bfloat16):
        latents: torch.Tensor = vae.encode(pictures.to(vae.device)).latent_dist.mean * vae.config.scaling_factor
    return latents


def as_tensor(pixels: np.ndarray) -> torch.Tensor:
    """Pictures of bytes, channels last, as numbers from -1 to 1 with the channels first."""
    return (torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1).contiguous(
        memory_format=torch.channels_last
    )


def rebuilding_loss(rebuilt: torch.Tensor, pictures: torch.Tensor, posterior: Posterior) -> torch.Tensor:
    """The error of the pixels, more where the picture has edges, and how far the latents are from a normal's.

    `rebuilt` and `pictures`: count x 3 x height x width.
    """
    error = rebuilt.float() - pictures
    divergence = 0.5 * (posterior.mean.float() ** 2 + posterior.var.float() - 1 - posterior.logvar.float())
    pixels = _worth(pictures) * (error.abs() + 2 * error.square())
    loss: torch.Tensor = pixels.mean() + KL_WEIGHT * divergence.mean()
    return loss


def a_little_off(latents: torch.Tensor) -> torch.Tensor:
    """The latents with some noise, as a denoiser leaves it; how much differs from one to the next."""
    count = (len(latents), *[1] * (latents.ndim - 1))
    off = SLACK * torch.rand(count, device=latents.device) * latents.detach().float().std()
    return latents + off * torch.randn_like(latents)


def _loss(vae: AutoencoderKL, pictures: torch.Tensor) -> torch.Tensor:
    pictures = pictures.to(vae.device)
    with torch.autocast(vae.device.type, torch.bfloat16):
        posterior = vae.encode(pictures).latent_dist
        rebuilt = vae.decode(a_little_off(posterior.sample())).sample
    return rebuilding_loss(rebuilt, pictures, posterior)


def _worth(pictures: torch.Tensor) -> torch.Tensor:
    """How much an error at each pixel counts, one on average: more where the picture differs around it."""
    around = functional.pad(pictures, (2, 2, 2, 2), mode="replicate")
    highest = around.unfold(-1, 5, 1).amax(-1).unfold(-2, 5, 1).amax(-1)
    lowest = around.unfold(-1, 5, 1).amin(-1).unfold(-2, 5, 1).amin(-1)
    spread = highest - lowest
    worth = 1 + EDGES * (spread.amax(1, keepdim=True) / 2).clamp(max=1)
    return worth / worth.mean()


def _crops(rng: random.Random) -> torch.Tensor:
    return as_tensor(np.stack([_crop(rng) for _ in range(BATCH)]))


def _crop(rng: random.Random) -> np.ndarray:
    """A piece around some point of an object, since most of a picture is plain background."""
    scene = random_scene(rng)
    item = rng.choice(scene.items)
    pixels = np.asarray(paint(scene))
    left, top = (crop_start(rng, centre * len(pixels), len(pixels)) for centre in (item.x, item.y))
    return pixels[top : top + CROP, left : left + CROP]


def crop_start(rng: random.Random, centre: float, side: int) -> int:
    """Where a crop of CROP pixels begins that has the centre in it, in a picture of this side."""
    return min(max(round(centre) + rng.randint(-CROP, 0), 0), side - CROP)


def _scale(vae: AutoencoderKL, seed: int) -> float:
    rng = random.Random(f"{seed} scale")
    pixels = np.stack([np.asarray(paint(random_scene(rng))) for _ in range(256)])
    vae.register_to_config(scaling_factor=1.0)
    return round(float(1 / encode(vae, as_tensor(pixels)).float().std()), 4)
