"""What the policy itself did wrong in an episode, as far as the record tells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from videoseal.models.reply import read_text_calls

__all__ = ["OWN_MISTAKES", "mistakes"]

OWN_MISTAKES: Final = frozenset(
    {"NoToolCall", "BadArguments", "UnknownTool", "SpanError", "OneCallAtATime"}
)
"""Errors in a tool's result that are the policy's doing; all others are the world's."""
_CONTROL: Final = re.compile(r"<\|[^|<>]{1,40}\|>|</?tool_response>|<tools>")
"""Strings that only a chat template may write."""
_END: Final = re.compile(r"(?:\s*<\|(?:im_end|endoftext)\|>)+\s*$")
"""How an engine that keeps special tokens ends a turn."""


def mistakes(steps: Sequence[Mapping[str, Any]]) -> int:
    """How many mistakes the turns of an episode hold.

    A turn without a call that could be carried out, a span that could not be read, every call
    after the first of a turn, and every control token written as text count one each.
    """
    return sum(_in_turn(step) for step in steps)


def _in_turn(step: Mapping[str, Any]) -> int:
    result = step.get("result") or {}
    said = _END.sub("", str(step.get("said") or ""))
    calls = read_text_calls(said, 0)
    failed = result.get("error") in OWN_MISTAKES or not step.get("tool")
    spans = any("no frames are left" not in str(bad) for bad in result.get("rejected", ()))
    more = max(0, len(calls.calls) + len(calls.invalid) - 1)
    return failed + spans + more + len(_CONTROL.findall(said))
