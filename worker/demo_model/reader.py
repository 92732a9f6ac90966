"""The second stage: a text encoder that learns to read captions; afterwards it stays as it is."""

import random
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from worker.demo_model.captions import caption
from worker.demo_model.pace import Pace, load_checkpoint, save_checkpoint
from worker.demo_model.scenes import COLOURS, SHAPES, SIZES, Item, Scene, cell, random_scene
from worker.demo_model.tokens import CAPTION_TOKENS

TEXT_WIDTH = 160
BATCH = 96
PEAK_RATE = 1e-3
UNASKED = -100
PLACES = ("left", "top", "centre", "right", "bottom")
QUESTIONS = (len(COLOURS), len(SHAPES) + 1, len(SIZES), len(PLACES), len(PLACES))


def new_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=TEXT_WIDTH,
        intermediate_size=4 * TEXT_WIDTH,
        projection_dim=TEXT_WIDTH,
        num_hidden_layers=4,
        num_attention_heads=5,
        max_position_embeddings=CAPTION_TOKENS,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return CLIPTextModel(config)


def tokenize(tokenizer: CLIPTokenizer, captions: list[str]) -> torch.Tensor:
    """Padded and cut the way the pipeline does it."""
    tokens: torch.Tensor = tokenizer(
        captions, padding="max_length", max_length=CAPTION_TOKENS, truncation=True, return_tensors="pt"
    ).input_ids
    return tokens


def train_reader(tokenizer: CLIPTokenizer, steps: int, seed: int, checkpoint: Path) -> CLIPTextModel:
    """Teaches the encoder to tell things apart by asking about them; the quiz itself is thrown away."""
    torch.manual_seed(seed)
    reader, quiz = new_text_encoder(tokenizer), Quiz()
    state = load_checkpoint(checkpoint)
    if state is not None:
        reader.load_state_dict(state["model"])
        return reader
    optimiser = torch.optim.AdamW([*reader.parameters(), *quiz.parameters()], lr=PEAK_RATE)
    pace = Pace("reader", optimiser, steps)
    rng = random.Random(f"{seed} reader")
    while not pace.finished:
        scenes = [random_scene(rng) for _ in range(BATCH)]
        tokens = tokenize(tokenizer, [caption(scene, rng) for scene in scenes])
        pace.step(quiz.loss(reader(tokens).last_hidden_state, scenes))
    save_checkpoint(checkpoint, {"model": reader.state_dict()})
    return reader


class Quiz(nn.Module):
    """Asks by attention, as the denoiser will: for the background, the first and the second object."""

    def __init__(self) -> None:
        super().__init__()
        self.slots = nn.Parameter(torch.randn(3, TEXT_WIDTH))
        self.attention = nn.MultiheadAttention(TEXT_WIDTH, 4, batch_first=True)
        self.answers = nn.ModuleList(nn.Linear(TEXT_WIDTH, choices) for choices in QUESTIONS)

    def loss(self, hidden: torch.Tensor, scenes: list[Scene]) -> torch.Tensor:
        slots = self.slots.expand(len(scenes), -1, -1)
        found, _ = self.attention(slots, hidden, hidden, need_weights=False)
        truth = torch.tensor([_truth(scene) for scene in scenes])
        losses = [
            functional.cross_entropy(answer(found).flatten(0, 1), truth[..., number].flatten())
            for number, answer in enumerate(self.answers)
        ]
        return torch.stack(losses).sum()


def _truth(scene: Scene) -> list[list[int]]:
    background = [list(COLOURS).index(scene.background), *[UNASKED] * (len(QUESTIONS) - 1)]
    items = [_item_truth(item) for item in scene.items]
    missing = [UNASKED, len(SHAPES), *[UNASKED] * (len(QUESTIONS) - 2)]
    return [background, *items, *[missing] * (2 - len(items))]


def _item_truth(item: Item) -> list[int]:
    column, row = (PLACES.index(place) for place in cell(item))
    return [
        list(COLOURS).index(item.colour),
        SHAPES.index(item.shape),
        SIZES.index(item.size),
        column,
        row,
    ]
