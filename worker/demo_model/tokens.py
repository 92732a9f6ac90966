"""The tokenizer: one token for every word the model knows, letters for the words it does not."""

import string
from collections import Counter
from itertools import pairwise

from transformers import CLIPTokenizer

from worker.demo_model.captions import vocabulary

CAPTION_TOKENS = 40
START, END, UNKNOWN = "<|startoftext|>", "<|endoftext|>", "<unk>"
WORD_END = "</w>"


def new_tokenizer() -> CLIPTokenizer:
    """What is no letter, digit or comma becomes the unknown token."""
    pieces = [START, END, UNKNOWN, *string.ascii_lowercase]
    pieces += [letter + WORD_END for letter in (*string.ascii_lowercase, *string.digits, ",")]
    merges = _merges(vocabulary())
    pieces += [first + second for first, second in merges]
    vocab = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    return CLIPTokenizer(
        vocab=vocab,
        merges=merges,
        unk_token=UNKNOWN,
        bos_token=START,
        eos_token=END,
        pad_token=END,
        model_max_length=CAPTION_TOKENS,
    )


def _merges(words: list[str]) -> list[tuple[str, str]]:
    """Byte-pair merges, the commonest pair first, until every word has become a single piece."""
    split = [[*word[:-1], word[-1] + WORD_END] for word in words]
    merges = []
    while pairs := Counter(pair for pieces in split for pair in pairwise(pieces)):
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        split = [_joined(pieces, best) for pieces in split]
    return merges


def _joined(pieces: list[str], pair: tuple[str, str]) -> list[str]:
    joined: list[str] = []
    for piece in pieces:
        if joined and (joined[-1], piece) == pair:
            joined[-1] += piece
        else:
            joined.append(piece)
    return joined
