"""The moving part's last stage: a small LTX transformer that learns clips, with and without a given first frame."""

import random
from pathlib import Path

import torch
from diffusers import AutoencoderKLLTXVideo, FlowMatchEulerDiscreteScheduler, LTXVideoTransformer3DModel
from torch.nn import functional
from transformers import CLIPTokenizer, T5EncoderModel

from worker.demo_model.averaged import Averaged
from worker.demo_model.captions import caption
from worker.demo_model.film_autoencoder import LATENT_CHANNELS, as_film, encode_film
from worker.demo_model.film_reader import FILM_TEXT_WIDTH, tokenize_film
from worker.demo_model.matrices import Matrices, sorted_out
from worker.demo_model.motions import FRAMES, Clip, random_clip
from worker.demo_model.pace import load_checkpoint, save_checkpoint

CLIPS = 12_000
BATCH = 16
PEAK_RATE = 1.5e-3
UNSAID = 0.1
FIRST_GIVEN = 0.4
# Low frequencies of movement are decided early: most noise levels that are practised are high ones.
SHIFT = 3.0
AVERAGING = 0.998
CHECKPOINT_EVERY = 100
FRAME_RATE = 8
# Frames and pixels to a latent, in time and along each side.
FOLD = (4, 16, 16)


def new_film_transformer() -> LTXVideoTransformer3DModel:
    return LTXVideoTransformer3DModel(
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        num_attention_heads=4,
        attention_head_dim=56,
        cross_attention_dim=224,
        num_layers=5,
        caption_channels=FILM_TEXT_WIDTH,
    )


def new_film_scheduler() -> FlowMatchEulerDiscreteScheduler:
    return FlowMatchEulerDiscreteScheduler(shift=SHIFT)


class FilmTraining(Averaged):
    """The last stage's state."""

    def __init__(self, steps: int, seed: int, checkpoint: Path) -> None:
        torch.manual_seed(seed)
        self.transformer = new_film_transformer()
        super().__init__(self.transformer, AVERAGING, checkpoint, CHECKPOINT_EVERY)
        inner, others = sorted_out(
            self.transformer, ("proj_in", "proj_out", "time_embed", "caption_projection", "scale_shift")
        )
        optimisers = [
            Matrices(inner, PEAK_RATE),
            torch.optim.AdamW(others, lr=PEAK_RATE, betas=(0.9, 0.99), weight_decay=0.01),
        ]
        self.begin("film", optimisers, steps)


def open_films(vae: AutoencoderKLLTXVideo, seed: int, path: Path) -> tuple[list[Clip], torch.Tensor]:
    """All clips of the training and their latents (count x 32 x 5 x 8 x 8, half precision), encoded once."""
    rng = random.Random(f"{seed} films")
    clips = [random_clip(rng) for _ in range(CLIPS)]
    state = load_checkpoint(path)
    if state is None:
        print(f"painting {CLIPS} clips", flush=True)
        parts = []
        for clip in clips:
            with torch.autocast("cpu", torch.bfloat16):
                parts.append(encode_film(vae, as_film(clip.frames(FRAMES + 1)[None])).half())
        state = {"latents": torch.cat(parts)}
        save_checkpoint(path, state)
    return clips, state["latents"]


def train_film(
    training: FilmTraining,
    reader: T5EncoderModel,
    tokenizer: CLIPTokenizer,
    films: tuple[list[Clip], torch.Tensor],
    seed: int,
) -> None:
    """Every step draws its own generator from the seed, so that a resumed run goes on as it would have."""
    clips, latents = films
    while not training.pace.finished:
        rng = random.Random(f"{seed} film {training.pace.done}")
        torch.manual_seed(rng.getrandbits(32))
        chosen = [rng.randrange(len(clips)) for _ in range(BATCH)]
        said = ["" if rng.random() < UNSAID else caption(clips[n].scene, rng, clips[n].motion) for n in chosen]
        tokens, mask = tokenize_film(tokenizer, said)
        with torch.no_grad():
            words = reader(tokens).last_hidden_state
        kept = int(mask.sum(1).max())  # what is only padding for all is masked anyway
        training.step(_loss(training.transformer, latents[chosen].float(), words[:, :kept], mask[:, :kept]))


def _loss(
    transformer: LTXVideoTransformer3DModel, latents: torch.Tensor, words: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """The velocity's error over all tokens that are not given."""
    count, _, frames, height, width = latents.shape
    clean = latents.flatten(2).transpose(1, 2)
    noise = torch.randn_like(clean)
    level = torch.sigmoid(torch.randn(count, 1))
    level = (SHIFT * level / (1 + (SHIFT - 1) * level)).expand(-1, clean.shape[1]).clone()
    given = torch.rand(count) < FIRST_GIVEN
    level[given, : height * width] = 0.0
    noisy = torch.lerp(clean, noise, level[..., None])
    with torch.autocast("cpu", torch.bfloat16):
        velocity = transformer(
            hidden_states=noisy,
            encoder_hidden_states=words,
            timestep=level * 1000,
            encoder_attention_mask=mask,
            num_frames=frames,
            height=height,
            width=width,
            rope_interpolation_scale=(FOLD[0] / FRAME_RATE, *FOLD[1:]),
        ).sample
    error = functional.mse_loss(velocity.float(), noise - clean, reduction="none").mean(-1)
    counts = level > 0
    loss: torch.Tensor = (error * counts).sum() / counts.sum()
    return loss
