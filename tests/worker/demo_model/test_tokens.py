"""The tokenizer knows its words whole and survives all others."""

import pytest

from worker.demo_model.captions import vocabulary
from worker.demo_model.tokens import CAPTION_TOKENS, END, START, UNKNOWN, new_tokenizer


def test_every_known_word_is_one_token() -> None:
    tokenizer = new_tokenizer()
    assert [word for word in vocabulary() if len(tokenizer.tokenize(word)) != 1] == []


def test_two_tokenizers_are_alike() -> None:
    assert new_tokenizer().get_vocab() == new_tokenizer().get_vocab()


def test_a_sentence_stands_between_start_and_end() -> None:
    tokenizer = new_tokenizer()
    pieces = tokenizer.convert_ids_to_tokens(tokenizer("A red Circle").input_ids)
    assert pieces == [START, "a</w>", "red</w>", "circle</w>", END]


def test_an_unknown_word_falls_into_letters_and_a_foreign_one_into_the_unknown_token() -> None:
    tokenizer = new_tokenizer()
    assert len(tokenizer.tokenize("zyx")) > 1
    assert set(tokenizer.tokenize("圆")) == {UNKNOWN}


@pytest.mark.parametrize("prompt", ["", "圆 🎨 \x00", "red " * 500])
def test_any_prompt_fits_the_length(prompt: str) -> None:
    tokens = new_tokenizer()(prompt, padding="max_length", truncation=True).input_ids
    assert len(tokens) == CAPTION_TOKENS
