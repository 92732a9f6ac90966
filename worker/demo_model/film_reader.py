"""The moving part's second stage: a text encoder of the kind that LTX has, taught by the same quiz."""

import random
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional
from transformers import CLIPTokenizer, T5Config, T5EncoderModel

from worker.demo_model.captions import caption
from worker.demo_model.motions import random_clip
from worker.demo_model.pace import Pace, resume, save_parts
from worker.demo_model.reader import Quiz
from worker.demo_model.scenes import MOTIONS

FILM_TEXT_WIDTH = 160
# What LTXPipeline pads every prompt to.
FILM_TOKENS = 128
BATCH = 48
PEAK_RATE = 1e-3
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


def tokenize_film(tokenizer: CLIPTokenizer, captions: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens and their mask, padded the way the pipeline does it."""
    found = tokenizer(captions, padding="max_length", max_length=FILM_TOKENS, truncation=True, return_tensors="pt")
    return found.input_ids, found.attention_mask


def train_film_reader(tokenizer: CLIPTokenizer, steps: int, seed: int, checkpoint: Path) -> T5EncoderModel:
    """Asks about the scene as for stills, and about what moves."""
    torch.manual_seed(seed)
    reader, quiz, moves = new_film_reader(tokenizer), Quiz(), nn.Linear(FILM_TEXT_WIDTH, len(MOTIONS))
    weights = [*reader.parameters(), *quiz.parameters(), *moves.parameters()]
    optimiser = torch.optim.AdamW(weights, lr=PEAK_RATE)
    parts = {"model": reader, "quiz": quiz, "moves": moves, "optimiser": optimiser}
    pace = Pace("film reader", [optimiser], steps, resume(checkpoint, parts))
    while not pace.finished:
        rng = random.Random(f"{seed} film reader {pace.done}")
        clips = [random_clip(rng) for _ in range(BATCH)]
        tokens, mask = tokenize_film(tokenizer, [caption(clip.scene, rng, clip.motion) for clip in clips])
        hidden = reader(tokens).last_hidden_state
        truth = torch.tensor([MOTIONS.index(clip.motion) for clip in clips])
        loss = functional.cross_entropy(moves((hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)), truth)
        pace.step(loss + quiz.loss(hidden, [clip.scene for clip in clips]))
        if pace.done % CHECKPOINT_EVERY == 0 or pace.finished:
            save_parts(checkpoint, parts, pace.done)
    return reader.eval()
