"""The tokenizer knows its words whole and passes over all others."""

import pytest
from transformers import CLIPTokenizer

from worker.demo_model.captions import vocabulary
from worker.demo_model.tokens import CAPTION_TOKENS, END, START, UNKNOWN, new_tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> CLIPTokenizer:
    return new_tokenizer()


@pytest.fixture(scope="module")
def reloaded(tokenizer: CLIPTokenizer, tmp_path_factory: pytest.TempPathFactory) -> CLIPTokenizer:
    """As a pipeline finds it in the folder of the weights."""
    folder = tmp_path_factory.mktemp("tokenizer")
    tokenizer.save_pretrained(folder)
    return CLIPTokenizer.from_pretrained(folder)


def test_every_known_word_and_character_is_one_token(tokenizer: CLIPTokenizer) -> None:
    assert [word for word in vocabulary() if tokenizer.tokenize(word) != [word]] == []


def test_two_tokenizers_are_alike(tokenizer: CLIPTokenizer) -> None:
    assert new_tokenizer().get_vocab() == tokenizer.get_vocab()


def test_it_stays_small(tokenizer: CLIPTokenizer) -> None:
    assert len(tokenizer) < 900


def test_a_sentence_stands_between_start_and_end(tokenizer: CLIPTokenizer) -> None:
    pieces = tokenizer.convert_ids_to_tokens(tokenizer("A red Circle").input_ids)

    assert pieces == [START, "a", "red", "circle", END]


@pytest.mark.parametrize(
    ("prompt", "tokens"),
    [
        ("白色背景上的红色圆形", [*"白色背景上的红色圆形"]),
        ("红色的圆，海滩。", [*"红色的圆，海滩。"]),
        ("红色圆形,black background", [*"红色圆形", ",", "black", "background"]),
        ("a red circle，蓝色背景", ["a", "red", "circle", *"，蓝色背景"]),
    ],
)
def test_a_chinese_sentence_is_its_characters(tokenizer: CLIPTokenizer, prompt: str, tokens: list[str]) -> None:
    assert tokenizer.tokenize(prompt) == tokens


@pytest.mark.parametrize("prompt", ["bored", "redcar", "zyx", "starfish", "圣诞", "42", "🎨", "\x00", "é", "红酒"[1:]])
def test_nothing_of_an_unknown_word_is_known(tokenizer: CLIPTokenizer, prompt: str) -> None:
    assert set(tokenizer.tokenize(prompt)) == {UNKNOWN}


def test_an_unknown_word_leaves_its_neighbours_alone(tokenizer: CLIPTokenizer) -> None:
    known = [token for token in tokenizer.tokenize("a bored red-car, 绿色圣诞树") if token != UNKNOWN]

    assert known == ["a", "red", "car", ",", *"绿色树"]


@pytest.mark.parametrize(
    "prompt", ["A RED Circle, bored.", "白色背景上的红色圆形", "夜空下，一条鱼。", "mixed 红色 and unknown 圣诞"]
)
def test_saved_and_loaded_it_reads_the_same(tokenizer: CLIPTokenizer, reloaded: CLIPTokenizer, prompt: str) -> None:
    expected = tokenizer(prompt).input_ids

    assert reloaded(prompt).input_ids == reloaded(prompt.lower()).input_ids == expected


@pytest.mark.parametrize("prompt", ["", "圆 🎨 \x00", "red " * 500, "圆" * 500])
def test_any_prompt_fits_the_length(reloaded: CLIPTokenizer, prompt: str) -> None:
    tokens = reloaded(prompt, padding="max_length", truncation=True).input_ids

    assert len(tokens) == CAPTION_TOKENS
