"""Attention as plain products is the same attention."""

import pytest
import torch
from torch.nn import functional

from worker.demo_model.attention import PlainAttention

MASK = torch.tensor([0.0, -10_000.0, 0.0, -10_000.0, 0.0])[None, None, None]


@pytest.mark.parametrize("mask", [None, MASK], ids=["unmasked", "masked"])
def test_plain_attention_is_what_the_fused_one_computes(mask: torch.Tensor | None) -> None:
    query, key, value = (torch.randn(2, 3, length, 8) for length in (4, 5, 5))

    fused = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    with PlainAttention():
        plain = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)

    assert plain is not fused
    assert torch.allclose(plain, fused, atol=1e-6)


def test_what_it_does_not_compute_is_refused() -> None:
    one = torch.randn(1, 1, 2, 8)

    with PlainAttention(), pytest.raises(NotImplementedError):
        functional.scaled_dot_product_attention(one, one, one, is_causal=True)
