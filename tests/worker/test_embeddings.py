"""Encoded prompts that are remembered, and what they are remembered by."""

from typing import Any

import pytest
import torch

from shared.storage import LocalStorage
from tests.fakes.tiny_families import FAMILIES
from tests.worker.families import from_picture, make, order
from worker.engine import Engine
from worker.pipelines.embeddings import Embeddings, remember_prompts

LARGE = 1 << 30


def tensor(size: int) -> torch.Tensor:
    """Of so many bytes."""
    return torch.zeros(1, size, dtype=torch.uint8)


class Maker:
    """Makes something of a size, and counts how often."""

    def __init__(self, size: int = 10) -> None:
        self.made = 0
        self._size = size

    def __call__(self) -> torch.Tensor:
        self.made += 1
        return tensor(self._size)


def test_what_is_known_is_not_made_again() -> None:
    known, maker = Embeddings(100), Maker()

    assert known.get(("tiny", "a"), maker) is known.get(("tiny", "a"), maker)

    assert maker.made == 1


def test_the_one_not_used_for_longest_is_forgotten_first() -> None:
    known = Embeddings(20)
    makers = {name: Maker() for name in "abc"}

    for name in "ab" + "a" + "c" + "ab":
        known.get(("tiny", name), makers[name])

    assert {name: maker.made for name, maker in makers.items()} == {"a": 1, "b": 2, "c": 1}


def test_what_is_larger_than_all_room_is_not_kept_and_sends_nothing_away() -> None:
    known, small, large = Embeddings(20), Maker(), Maker(21)

    for name, maker in (("a", small), ("b", large), ("b", large), ("a", small)):
        known.get(("tiny", name), maker)

    assert (small.made, large.made) == (1, 2)


def test_a_model_that_goes_takes_its_own_along() -> None:
    known, gone, stays = Embeddings(100), Maker(), Maker()
    for _ in range(2):
        known.get(("gone", "a"), gone)
        known.get(("stays", "a"), stays)
        known.forget("gone")

    assert (gone.made, stays.made) == (2, 1)


class Encoder:
    """A pipeline whose encode_prompt notes what it is asked, and answers with tensors as long as the words."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, Any]] = []

    def encode_prompt(self, prompt: Any, negative_prompt: Any = None, prompt_embeds: Any = None) -> Any:
        self.asked.append((list(prompt), negative_prompt))
        prompt[0] = "overwritten"
        return torch.ones(1, 3, 2) * len(self.asked), None


@pytest.fixture
def encoder() -> Encoder:
    encoder = Encoder()
    remember_prompts(encoder, Embeddings(LARGE), lambda: ("tiny",))
    return encoder


def test_each_prompt_of_a_batch_is_encoded_by_itself_and_once(encoder: Encoder) -> None:
    encoder.encode_prompt(["a", "b", "a"], negative_prompt=["", "x", ""])
    encoder.encode_prompt(["b"], negative_prompt=["x"])

    assert encoder.asked == [(["a"], None), (["b"], ["x"])]


def test_the_answers_become_a_batch_in_the_order_of_the_prompts(encoder: Encoder) -> None:
    embeds, nothing = encoder.encode_prompt(["a", "b", "a"])

    assert (embeds[:, 0, 0].tolist(), nothing) == ([1, 2, 1], None)


def test_embeddings_that_are_given_are_left_to_the_pipeline(encoder: Encoder) -> None:
    encoder.encode_prompt(["a"], prompt_embeds=tensor(1))
    encoder.encode_prompt(["a"], prompt_embeds=tensor(1))

    assert len(encoder.asked) == 2


class Masked:
    """As Qwen-Image has it: as long as the prompt, with a mask only where something is hidden."""

    def encode_prompt(self, prompt: Any, prompt_embeds_mask: Any = None) -> Any:
        return torch.ones(1, len(prompt[0]), 2), None


def test_shorter_prompts_are_padded_and_masked() -> None:
    pipeline = Masked()
    remember_prompts(pipeline, Embeddings(LARGE), lambda: ("tiny",))

    embeds, mask = pipeline.encode_prompt(["abc", "a"])

    assert embeds[:, :, 0].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]


def test_prompts_of_one_length_need_no_mask() -> None:
    pipeline = Masked()
    remember_prompts(pipeline, Embeddings(LARGE), lambda: ("tiny",))

    embeds, mask = pipeline.encode_prompt(["abc", "xyz"])

    assert (embeds.shape, mask) == ((2, 3, 2), None)


def text_encoder(engine: Engine, name: str) -> torch.nn.Module:
    loaded = engine._residency.find(name)
    assert loaded is not None
    return loaded.pipeline.text_encoder


@pytest.mark.parametrize("name", FAMILIES)
def test_a_familys_text_encoder_sees_a_prompt_once(
    family_engine: Engine, family_files: LocalStorage, name: str
) -> None:
    make(family_engine, order(name, "never before"))
    calls: list[object] = []
    encoder = text_encoder(family_engine, name)
    hook = encoder.register_forward_hook(lambda *call: calls.append(call))

    make(family_engine, order(name, "never before", seed=9), order(name, "never before", seed=10))
    make(family_engine, from_picture(order(name, "never before"), "red", family_files))

    hook.remove()
    assert len(calls) <= 1  # for another kind a family may ask for something a little different
