"""The moving part's first stage: an autoencoder that folds 16 x 16 pixels of four frames into 48 numbers."""

import random
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLLTXVideo

from worker.demo_model import PICTURE_SIZE
from worker.demo_model.autoencoder import CROP, a_little_off, crop_start, rebuilding_loss
from worker.demo_model.matrices import Matrices, sorted_out
from worker.demo_model.motions import FRAMES, random_clip
from worker.demo_model.pace import Pace, numbered, resume, save_parts

ENCODER_CHANNELS, DECODER_CHANNELS = (32, 64), (48, 64)
LATENT_CHANNELS = 48
BATCH = 8
CROP_FRAMES = 9
PEAK_RATE = 1.5e-3
CHECKPOINT_EVERY = 100


def new_film_autoencoder() -> AutoencoderKLLTXVideo:
    """Its first frame stands alone, so that a still can become it; each latent after it holds four frames."""
    levels = len(ENCODER_CHANNELS)
    return AutoencoderKLLTXVideo(
        latent_channels=LATENT_CHANNELS,
        block_out_channels=ENCODER_CHANNELS,
        decoder_block_out_channels=DECODER_CHANNELS,
        down_block_types=("LTXVideoDownBlock3D",) * levels,
        layers_per_block=(1,) * (levels + 1),
        decoder_layers_per_block=(1,) * (levels + 1),
        spatio_temporal_scaling=(True,) * levels,
        decoder_spatio_temporal_scaling=(True,) * levels,
        decoder_inject_noise=(False,) * (levels + 1),
        upsample_residual=(False,) * levels,
        upsample_factor=(1,) * levels,
        patch_size=4,
    )


def train_film_autoencoder(steps: int, seed: int, checkpoint: Path, compiled: bool = False) -> AutoencoderKLLTXVideo:
    """Trains on pieces of painted clips and settles the mean and spread that latents are normalised by.

    Compiled, a step takes two thirds of the time.
    """
    torch.manual_seed(seed)
    vae = new_film_autoencoder()
    loss = torch.compile(_loss) if compiled else _loss
    matrices, others = sorted_out(vae, ("encoder.conv_in", "decoder.conv_out"))
    optimisers = [Matrices(matrices, PEAK_RATE), torch.optim.AdamW(others, lr=PEAK_RATE, weight_decay=0.0)]
    parts = {"model": vae, **numbered(optimisers)}
    pace = Pace("film autoencoder", optimisers, steps, resume(checkpoint, parts))
    while not pace.finished:
        rng = random.Random(f"{seed} film crops {pace.done}")
        torch.manual_seed(rng.getrandbits(32))
        pace.step(loss(vae, as_film(np.stack([_crop(rng) for _ in range(BATCH)]))))
        if pace.done % CHECKPOINT_EVERY == 0 or pace.finished:
            if pace.finished:
                _normalise(vae.eval(), seed)
            save_parts(checkpoint, parts, pace.done)
    return vae.eval()


@torch.no_grad()
def encode_film(vae: AutoencoderKLLTXVideo, clips: torch.Tensor) -> torch.Tensor:
    """The normalised latents that the transformer learns on: count x 48 x latent frames x height / 16 x width / 16."""
    latents: torch.Tensor = vae.encode(clips).latent_dist.mean
    mean, std = (part.view(1, -1, 1, 1, 1) for part in (vae.latents_mean, vae.latents_std))
    normalised: torch.Tensor = (latents - mean) / std
    return normalised


def as_film(pixels: np.ndarray) -> torch.Tensor:
    """Clips of bytes (count x frames x height x width x 3) as numbers from -1 to 1, channels before frames."""
    return torch.from_numpy(pixels).permute(0, 4, 1, 2, 3).float() / 127.5 - 1


def _loss(vae: AutoencoderKLLTXVideo, clips: torch.Tensor) -> torch.Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        posterior = vae.encode(clips).latent_dist
        rebuilt = vae.decode(a_little_off(posterior.sample())).sample
    frames, rebuilt_frames = (film.transpose(1, 2).flatten(0, 1) for film in (clips, rebuilt))
    return rebuilding_loss(rebuilt_frames, frames, posterior)


def _crop(rng: random.Random) -> np.ndarray:
    """A piece of a clip around where its object is halfway."""
    clip = random_clip(rng)
    (item,) = clip.scene.items
    pixels = clip.frames(CROP_FRAMES if rng.random() < 0.5 else FRAMES)[:CROP_FRAMES]
    left, top = (crop_start(rng, centre * PICTURE_SIZE, PICTURE_SIZE) for centre in (item.x, item.y))
    return pixels[:, top : top + CROP, left : left + CROP]


@torch.no_grad()
def _normalise(vae: AutoencoderKLLTXVideo, seed: int) -> None:
    rng = random.Random(f"{seed} film scale")
    clips = [as_film(random_clip(rng).frames(FRAMES + 1)[None]) for _ in range(64)]
    latents = torch.cat([vae.encode(clip).latent_dist.mean for clip in clips])
    vae.latents_mean.copy_(latents.mean(dim=(0, 2, 3, 4)))
    vae.latents_std.copy_(latents.std(dim=(0, 2, 3, 4)))
