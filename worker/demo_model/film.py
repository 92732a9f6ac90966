"""The moving part's last stage: a small LTX transformer that learns clips, with and without a given first frame."""

import random
from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, LTXVideoTransformer3DModel
from torch.nn import functional
from transformers import CLIPTokenizer, T5EncoderModel

from worker.demo_model.attention import PlainAttention
from worker.demo_model.averaged import Averaged
from worker.demo_model.captions import caption
from worker.demo_model.film_autoencoder import LATENT_CHANNELS
from worker.demo_model.film_reader import FILM_TEXT_WIDTH, tokenize_film
from worker.demo_model.films import FOLD, Films
from worker.demo_model.layouts import LAYOUT_WEIGHT, LayoutHead
from worker.demo_model.matrices import Matrices, sorted_out

CLIPS_AT_ONCE, BEGINNINGS_AT_ONCE = 16, 64
# What things look like is learnt from first frames alone, at a fifth of a clip's price; later they are interspersed.
BEGINNINGS_FIRST = 1000
BEGINNING_EVERY = 4
PEAK_RATE = 1.5e-3
UNSAID = 0.1
FIRST_GIVEN = 0.4
CUT_SHORT = 0.1
# Low frequencies of movement are decided early: most noise levels that are practised are high ones.
SHIFT = 3.0
AVERAGING = 0.998
CHECKPOINT_EVERY = 100
FRAME_RATE = 8
OTHER_FRAME_RATE = 0.1
FRAME_RATES = (5, 6, 10, 12, 15, 16, 24)
HEADS, HEAD_WIDTH, LAYERS = 3, 72, 5
WIDTH = HEADS * HEAD_WIDTH


def new_film_transformer() -> LTXVideoTransformer3DModel:
    return LTXVideoTransformer3DModel(
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        num_attention_heads=HEADS,
        attention_head_dim=HEAD_WIDTH,
        cross_attention_dim=WIDTH,
        num_layers=LAYERS,
        caption_channels=FILM_TEXT_WIDTH,
    )


def new_film_scheduler() -> FlowMatchEulerDiscreteScheduler:
    return FlowMatchEulerDiscreteScheduler(shift=SHIFT)


class FilmTraining(Averaged):
    """The last stage's state; its head only teaches."""

    def __init__(self, steps: int, seed: int, checkpoint: Path) -> None:
        torch.manual_seed(seed)
        self.transformer = new_film_transformer()
        super().__init__(self.transformer, AVERAGING, checkpoint, CHECKPOINT_EVERY)
        self.head = LayoutHead(self.transformer.transformer_blocks[LAYERS // 2], WIDTH)
        inner, others = sorted_out(
            self.transformer, ("proj_in", "proj_out", "time_embed", "caption_projection", "scale_shift")
        )
        optimisers = [
            Matrices(inner, PEAK_RATE),
            torch.optim.AdamW([*others, *self.head.parameters()], lr=PEAK_RATE, betas=(0.9, 0.99), weight_decay=0.01),
        ]
        self.begin("film", optimisers, steps, head=self.head)


def train_film(
    training: FilmTraining, reader: T5EncoderModel, tokenizer: CLIPTokenizer, films: tuple[Films, Films], seed: int
) -> None:
    """Every step draws its own generator from the seed, so that a resumed run goes on as it would have."""
    clips, beginnings = films
    while not training.pace.finished:
        done = training.pace.done
        rng = random.Random(f"{seed} film {done}")
        torch.manual_seed(rng.getrandbits(32))
        still = done < BEGINNINGS_FIRST or done % BEGINNING_EVERY == 0
        shown, count = (beginnings, BEGINNINGS_AT_ONCE) if still else (clips, CLIPS_AT_ONCE)
        chosen = [rng.randrange(len(shown.clips)) for _ in range(count)]
        training.step(_loss(training, shown, chosen, *_read(reader, tokenizer, shown, chosen, rng), rng))


@torch.no_grad()
def _read(
    reader: T5EncoderModel, tokenizer: CLIPTokenizer, films: Films, chosen: list[int], rng: random.Random
) -> tuple[torch.Tensor, torch.Tensor]:
    """What the captions say, without what is only padding for all of them, and their mask."""
    clips = [films.clips[number] for number in chosen]
    said = ["" if rng.random() < UNSAID else caption(clip.scene, rng, clip.motion) for clip in clips]
    tokens, mask = tokenize_film(tokenizer, said)
    kept = int(mask.sum(1).max())
    return reader(tokens).last_hidden_state[:, :kept], mask[:, :kept]


def _loss(
    training: FilmTraining,
    films: Films,
    chosen: list[int],
    words: torch.Tensor,
    mask: torch.Tensor,
    rng: random.Random,
) -> torch.Tensor:
    """The velocity's error over all tokens that are not given, and the layout's."""
    latents, layouts = films.latents[chosen].float(), films.layouts[chosen]
    if latents.shape[2] > 1 and rng.random() < CUT_SHORT:
        half = 1 + latents.shape[2] // 2
        latents, layouts = latents[:, :, :half], layouts[:, :, :half]
    _, _, frames, height, width = latents.shape
    clean = latents.flatten(2).transpose(1, 2)
    noise = torch.randn_like(clean)
    level = _levels(clean, given=height * width if frames > 1 else 0)
    rate = rng.choice(FRAME_RATES) if rng.random() < OTHER_FRAME_RATE else FRAME_RATE
    with torch.autocast("cpu", torch.bfloat16), PlainAttention():
        velocity = training.transformer(
            hidden_states=torch.lerp(clean, noise, level[..., None]),
            encoder_hidden_states=words,
            timestep=level * 1000,
            encoder_attention_mask=mask,
            num_frames=frames,
            height=height,
            width=width,
            rope_interpolation_scale=(FOLD[0] / rate, *FOLD[1:]),
        ).sample
    error = functional.mse_loss(velocity.float(), noise - clean, reduction="none").mean(-1)
    counts = level > 0
    scenes = [films.clips[number].scene for number in chosen]
    loss: torch.Tensor = (error * counts).sum() / counts.sum() + LAYOUT_WEIGHT * training.head.loss(scenes, layouts)
    return loss


def _levels(tokens: torch.Tensor, given: int) -> torch.Tensor:
    """How noisy each token is, from 0 to 1: batch x tokens; of some clips the first so many tokens are given."""
    count, length, _ = tokens.shape
    level = torch.sigmoid(torch.randn(count, 1))
    level = (SHIFT * level / (1 + (SHIFT - 1) * level)).expand(-1, length).clone()
    level[torch.rand(count) < FIRST_GIVEN, :given] = 0.0
    return level
