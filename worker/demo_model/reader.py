"""The second stage: a text encoder that learns to read captions; afterwards it stays as it is."""

import random
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from worker.demo_model.captions import caption
from worker.demo_model.motions import random_clip
from worker.demo_model.pace import Pace, resume, save_parts
from worker.demo_model.scenes import (
    COLOURS,
    KINDS,
    MOST_ITEMS,
    MOTIONS,
    RELATIONS,
    ROW,
    SCENERIES,
    SIZES,
    Item,
    Scene,
    cell,
    random_scene,
)
from worker.demo_model.tokens import CAPTION_TOKENS

TEXT_WIDTH = 160
STILLS_AT_ONCE, CLIPS_AT_ONCE = 72, 24
PEAK_RATE = 1e-3
CHECKPOINT_EVERY = 250
UNASKED = -100
PLACES = ("left", "top", "centre", "right", "bottom")
BACKGROUNDS = (*COLOURS, *SCENERIES)
# What is asked of each object: its kind (or that it is none), colour, size, column and row.
QUESTIONS = (len(KINDS) + 1, len(COLOURS), len(SIZES), len(PLACES), len(PLACES))
ARRANGEMENTS = (None, *RELATIONS, ROW)


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


def train_reader(
    tokenizer: CLIPTokenizer, steps: int, seed: int, checkpoint: Path, device: str = "cpu"
) -> CLIPTextModel:
    """Teaches the encoder to tell things apart by asking about them; the quiz itself is thrown away."""
    torch.manual_seed(seed)
    reader, quiz = new_text_encoder(tokenizer).to(device), Quiz().to(device)
    optimiser = torch.optim.AdamW([*reader.parameters(), *quiz.parameters()], lr=PEAK_RATE)
    parts = {"model": reader, "quiz": quiz, "optimiser": optimiser}
    pace = Pace("reader", [optimiser], steps, resume(checkpoint, parts))
    while not pace.finished:
        rng = random.Random(f"{seed} reader {pace.done}")
        scenes = [random_scene(rng) for _ in range(STILLS_AT_ONCE)]
        clips = [random_clip(rng) for _ in range(CLIPS_AT_ONCE)]
        told = [caption(scene, rng) for scene in scenes] + [caption(clip.scene, rng, clip.motion) for clip in clips]
        hidden = reader(tokenize(tokenizer, told).to(device)).last_hidden_state
        loss = quiz.loss(hidden, [*scenes, *(clip.scene for clip in clips)])
        pace.step(loss + quiz.motion_loss(hidden[STILLS_AT_ONCE:], [clip.motion for clip in clips]))
        if pace.done % CHECKPOINT_EVERY == 0 or pace.finished:
            save_parts(checkpoint, parts, pace.done)
    return reader.eval()


class Quiz(nn.Module):
    """Asks by attention, as the denoiser will: for background, first, second and third object, and what moves."""

    def __init__(self) -> None:
        super().__init__()
        self.slots = nn.Parameter(torch.randn(2 + MOST_ITEMS, TEXT_WIDTH))
        self.attention = nn.MultiheadAttention(TEXT_WIDTH, 4, batch_first=True)
        self.background = nn.Linear(TEXT_WIDTH, len(BACKGROUNDS))
        self.arrangement = nn.Linear(TEXT_WIDTH, len(ARRANGEMENTS))
        self.motion = nn.Linear(TEXT_WIDTH, len(MOTIONS))
        self.answers = nn.ModuleList(nn.Linear(TEXT_WIDTH, choices) for choices in QUESTIONS)

    def loss(self, hidden: torch.Tensor, scenes: list[Scene]) -> torch.Tensor:
        """The sum of all questions' cross-entropies; `hidden` has batch x tokens x width."""
        found = self._found(hidden)
        where = torch.tensor([BACKGROUNDS.index(scene.background) for scene in scenes], device=hidden.device)
        how = torch.tensor([ARRANGEMENTS.index(scene.relation) for scene in scenes], device=hidden.device)
        truth = torch.tensor([_truth(scene) for scene in scenes], device=hidden.device)
        losses = [
            functional.cross_entropy(answer(found[:, 1 : 1 + MOST_ITEMS]).flatten(0, 1), truth[..., number].flatten())
            for number, answer in enumerate(self.answers)
        ]
        losses.append(functional.cross_entropy(self.background(found[:, 0]), where))
        losses.append(functional.cross_entropy(self.arrangement(found[:, 0]), how))
        return torch.stack(losses).sum()

    def motion_loss(self, hidden: torch.Tensor, motions: list[str]) -> torch.Tensor:
        """The cross-entropy of what moves; `hidden` has batch x tokens x width."""
        truth = torch.tensor([MOTIONS.index(motion) for motion in motions], device=hidden.device)
        return functional.cross_entropy(self.motion(self._found(hidden)[:, -1]), truth)

    def _found(self, hidden: torch.Tensor) -> torch.Tensor:
        slots = self.slots.expand(len(hidden), -1, -1)
        found: torch.Tensor = self.attention(slots, hidden, hidden, need_weights=False)[0]
        return found


def _truth(scene: Scene) -> list[list[int]]:
    items = [_item_truth(item) for item in scene.items]
    missing = [len(KINDS), *[UNASKED] * (len(QUESTIONS) - 1)]
    return [*items, *[missing] * (MOST_ITEMS - len(items))]


def _item_truth(item: Item) -> list[int]:
    column, row = (PLACES.index(place) for place in cell(item))
    return [KINDS.index(item.kind), list(COLOURS).index(item.colour), SIZES.index(item.size), column, row]
