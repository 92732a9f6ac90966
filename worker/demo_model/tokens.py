"""The tokenizer: one token for every word and every Chinese character that the model knows, none for the rest."""

from pathlib import Path

from tokenizers import AddedToken
from transformers import CLIPTokenizer

from shared.settings import ROOT
from worker.demo_model.captions import known_words, vocabulary

CAPTION_TOKENS = 48
START, END, UNKNOWN = "<|startoftext|>", "<|endoftext|>", "<unk>"
# In the web tier's image there is no folder of the weights.
KNOWN_WORDS = ROOT / "shared" / "vocabularies" / "darkroom-demo.txt"
PUNCTUATION = (",", ".", ":", "，", "。", "、", "：")


def new_tokenizer() -> CLIPTokenizer:
    """Every letter of an unknown word becomes the unknown token, every byte of an unknown character too."""
    tokenizer = CLIPTokenizer(
        vocab={START: 0, END: 1, UNKNOWN: 2},
        merges=[],
        unk_token=UNKNOWN,
        bos_token=START,
        eos_token=END,
        pad_token=END,
        model_max_length=CAPTION_TOKENS,
    )
    tokenizer.add_tokens([_token(piece) for piece in (*PUNCTUATION, *vocabulary())])
    return tokenizer


def write_known_words(file: Path) -> None:
    """What the models file names as this model's `vocabulary`: one word a line."""
    file.write_text("".join(f"{word}\n" for word in known_words()), "utf-8")


def _token(piece: str) -> AddedToken:
    """A known English word counts only when it stands by itself: there is no "red" in "bored"."""
    return AddedToken(piece, single_word=piece.isascii() and piece.isalpha(), normalized=True)
