"""Decoding a token at a time without copying what was read before.

Two habits of transformers' defaults cost more than the model itself where tokens are few and keys
are many: each new token makes a copy of all keys and values, and where several query heads share
a key head and there is a mask, the keys are copied once for each of them.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.cache_utils import DynamicLayer
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

__all__ = ["ATTENTION", "GrowingLayer"]

ATTENTION: Final = "sdpa_grouped_decode"
"""Name under which transformers finds the attention of this module."""
_ROOM: Final = 128


class GrowingLayer(DynamicLayer):  # type: ignore[misc]
    """Keys and values with room behind them, of shape (batch, heads, tokens, width)."""

    keys: torch.Tensor
    values: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self._room: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Take the keys and values of further tokens; returned are all."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        if self._room is None or end > self._room[0].shape[-2]:
            self._room = (
                _longer(self.keys, key_states, start, end + _ROOM),
                _longer(self.values, value_states, start, end + _ROOM),
            )
        keys, values = self._room
        keys[..., start:end, :] = key_states
        values[..., start:end, :] = value_states
        self.keys, self.values = keys[..., :end, :], values[..., :end, :]
        return self.keys, self.values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Go on with these rows only."""
        super().batch_select_indices(indices)
        self._room = None


def _longer(old: torch.Tensor, like: torch.Tensor, used: int, length: int) -> torch.Tensor:
    made = like.new_empty((*like.shape[:-2], length, like.shape[-1]))
    if used:
        made[..., :used, :] = old
    return made


def _attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **more: Any,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Attention of one new token a row, shape (batch, heads, 1, width); else as `sdpa` does it.

    Query heads that share a key head stand as if they were positions of one head: with one token
    each, all of them see the same keys.
    """
    batch, heads, length, width = query.shape
    if length > 1 or more.get("position_bias") is not None:
        found: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **more
        )
        return found
    grouped = query.reshape(batch, key.shape[1], -1, width)
    output = scaled_dot_product_attention(
        grouped, key, value, attn_mask=attention_mask, dropout_p=dropout, scale=scaling
    )
    return output.reshape(batch, 1, heads, width), None


AttentionInterface.register(ATTENTION, _attend)
AttentionMaskInterface.register(ATTENTION, sdpa_mask)
