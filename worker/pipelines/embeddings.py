"""Prompts that have been encoded already: what the text encoders made of them, by model and LoRAs."""

import inspect
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch.nn import functional

Key = tuple[object, ...]


class Embeddings:
    """The newest ones, up to so many bytes; they stay on the device that they were made on."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._known: OrderedDict[Key, tuple[Any, int]] = OrderedDict()

    def get(self, key: Key, make: Callable[[], Any]) -> Any:
        """What is known by this key, or else made now."""
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key][0]
        made = make()
        size = _bytes(made)
        if size <= self._max_bytes:
            self._known[key] = made, size
            self._bytes += size
        while self._bytes > self._max_bytes:
            self._bytes -= self._known.popitem(last=False)[1][1]
        return made

    def forget(self, model: str) -> None:
        """Drop what a model's encoders made: its keys begin with its name."""
        for key in [key for key in self._known if key[0] == model]:
            self._bytes -= self._known.pop(key)[1]


def remember_prompts(pipeline: Any, known: Embeddings, name: Callable[[], Key]) -> None:
    """Make `pipeline.encode_prompt` encode each prompt by itself, and only once; `name` begins the keys.

    A prompt's embedding then does not depend on what it shares a batch with.
    """
    encode = getattr(pipeline, "encode_prompt", None)
    if encode is None:
        return
    signature = inspect.signature(encode)
    masked = "prompt_embeds_mask" in signature.parameters

    def remembering(*args: Any, **kwargs: Any) -> Any:
        asked = signature.bind(*args, **kwargs).arguments
        prompts = asked.get("prompt")
        if not isinstance(prompts, list) or any(isinstance(value, torch.Tensor) for value in asked.values()):
            return encode(*args, **kwargs)
        rows = [_row(asked, number) for number in range(len(prompts))]
        return _together([known.get((*name(), repr(row)), partial(encode, **_fresh(row))) for row in rows], masked)

    pipeline.encode_prompt = remembering


def _row(asked: Mapping[str, Any], number: int) -> dict[str, Any]:
    """One row's share. What is no negative prompt is left to the pipeline: for some it is another thing than ""."""
    mine = {field: [value[number]] if isinstance(value, list) else value for field, value in asked.items()}
    return {
        field: value for field, value in mine.items() if not field.startswith("negative") or value not in ("", [""])
    }


def _fresh(row: Mapping[str, Any]) -> dict[str, Any]:
    """Some pipelines write into the lists that they are given."""
    return {field: list(value) if isinstance(value, list) else value for field, value in row.items()}


def _together(rows: Sequence[Any], masked: bool) -> Any:
    if not isinstance(rows[0], tuple):
        return _joined(rows)
    columns = list(zip(*rows, strict=True))
    lengths = [row[0].shape[1] for row in rows if masked]
    if len(set(lengths)) > 1:  # a mask of ones may have been left out while there was nothing to hide
        masks = [_mask(row, length) for row, length in zip(rows, lengths, strict=True)]
        return _joined(columns[0]), _joined(masks)
    return tuple(_joined(column) for column in columns)


def _mask(row: tuple[torch.Tensor, torch.Tensor | None], length: int) -> torch.Tensor:
    return row[0].new_ones((1, length), dtype=torch.long) if row[1] is None else row[1]


def _joined(parts: Sequence[Any]) -> Any:
    """Rows become a batch, padded with zeros to the longest; what has no rows (text ids) is the same for all."""
    first = parts[0]
    if isinstance(first, list):
        return [each for part in parts for each in part]
    if not isinstance(first, torch.Tensor) or first.shape[0] != 1:
        return first
    if first.ndim < 2:
        return torch.cat(list(parts))
    longest = max(part.shape[1] for part in parts)
    return torch.cat([_padded(part, longest) for part in parts])


def _padded(part: torch.Tensor, longest: int) -> torch.Tensor:
    behind = [0, 0] * (part.ndim - 2) + [0, longest - part.shape[1]]
    return functional.pad(part, behind) if part.shape[1] < longest else part


def _bytes(made: Any) -> int:
    if isinstance(made, torch.Tensor):
        return made.numel() * made.element_size()
    return sum(_bytes(part) for part in made) if isinstance(made, list | tuple) else 0
