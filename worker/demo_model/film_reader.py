"""The moving part's second stage: a text encoder of the kind that LTX has, taught by the same quiz."""

import random
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional
from transformers import CLIPTokenizer, T5Config, T5EncoderModel

from worker.demo_model.captions import caption
from worker.demo_model.matrices import Matrices, sorted_out
from worker.demo_model.motions import random_clip
from worker.demo_model.pace import Pace, numbered, resume, save_parts
from worker.demo_model.reader import Quiz
from worker.demo_model.scenes import MOTIONS
from worker.demo_model.tokens import CAPTION_TOKENS

FILM_TEXT_WIDTH = 160
# What LTXPipeline pads every prompt to.
FILM_TOKENS = 128
BATCH = 48
PEAK_RATE = 1e-3
# Of the tokens' vectors at the beginning: with T5's own spread of one they would hardly move.
WORDS_SPREAD = 0.3
PADDED_SHARE = 0.15
CHECKPOINT_EVERY = 250


def new_film_reader(tokenizer: CLIPTokenizer) -> T5EncoderModel:
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=FILM_TEXT_WIDTH,
        d_kv=32,
        d_ff=2 * FILM_TEXT_WIDTH,
        num_layers=3,
        num_heads=5,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        dropout_rate=0.0,
    )
    return T5EncoderModel(config)


def tokenize_film(
    tokenizer: CLIPTokenizer, captions: list[str], length: int = FILM_TOKENS
) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens and their mask, padded the way the pipeline does it."""
    found = tokenizer(captions, padding="max_length", max_length=length, truncation=True, return_tensors="pt")
    return found.input_ids, found.attention_mask


def train_film_reader(
    tokenizer: CLIPTokenizer, words: torch.Tensor, steps: int, seed: int, checkpoint: Path
) -> T5EncoderModel:
    """Asks about the scene as for stills, and about what moves; `words` are what each token means to that reader.

    The pipeline has the encoder read all padding, too, which takes its time: it gets used to that at the end.
    """
    torch.manual_seed(seed)
    reader, quiz, moves = new_film_reader(tokenizer), Quiz(), nn.Linear(FILM_TEXT_WIDTH, len(MOTIONS))
    vectors = words.detach().float()
    reader.shared.weight.data.copy_(vectors * (WORDS_SPREAD / vectors.std()))
    inner, others = sorted_out(reader, ("shared", "relative_attention_bias"))
    optimisers = [
        Matrices(inner, PEAK_RATE),
        torch.optim.AdamW([*others, *quiz.parameters(), *moves.parameters()], lr=PEAK_RATE),
    ]
    parts = {"model": reader, "quiz": quiz, "moves": moves, **numbered(optimisers)}
    pace = Pace("film reader", optimisers, steps, resume(checkpoint, parts))
    while not pace.finished:
        rng = random.Random(f"{seed} film reader {pace.done}")
        clips = [random_clip(rng) for _ in range(BATCH)]
        length = FILM_TOKENS if pace.done >= (1 - PADDED_SHARE) * steps else CAPTION_TOKENS
        tokens, mask = tokenize_film(tokenizer, [caption(clip.scene, rng, clip.motion) for clip in clips], length)
        hidden = reader(tokens).last_hidden_state
        truth = torch.tensor([MOTIONS.index(clip.motion) for clip in clips])
        loss = functional.cross_entropy(moves((hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)), truth)
        pace.step(loss + quiz.loss(hidden, [clip.scene for clip in clips]))
        if pace.done % CHECKPOINT_EVERY == 0 or pace.finished:
            save_parts(checkpoint, parts, pace.done)
    return reader.eval()
