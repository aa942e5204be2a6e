"""Words that come from a video, a user or a model reply, made harmless inside a prompt.

Chat templates give meaning to strings such as `<|im_end|>`, `</tool_call>` or `[INST]`, and a
server turns them into control tokens wherever they stand in a message. Their first character is
replaced by a look-alike, so that the text stays readable and none of them survives.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["RESERVED_LABELS", "escape_special", "fence"]

_OPENING: Final = re.compile(r"<(?=[/|｜!?]|[^\W\d])")
"""A `<` that could begin a tag or a control token; that of `a < b` is left alone."""
_CLOSING: Final = re.compile(r"(?<=[|｜])>")
_BRACKET: Final = re.compile(
    r"\[(?=\s*/?\s*(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT"
    r"|IMG|IMG_BREAK|IMG_END|ARGS|CALL_ID|THINK)\s*\])",
    re.IGNORECASE,
)
_UNREADABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Control characters, and halves of surrogate pairs, which no UTF-8 request can carry."""
_LABEL: Final = re.compile(r"[a-z][a-z_]{0,30}")
RESERVED_LABELS: Final = frozenset(
    {"tool_call", "tool_response", "tools", "think", "final", "answer", "s", "image", "video"}
)
"""Tags that models give a meaning of their own."""


def escape_special(text: str) -> str:
    """Replace what a chat template could take for control tokens; idempotent, length kept."""
    text = _UNREADABLE.sub("\ufffd", text)
    text = _OPENING.sub("‹", text)
    text = _CLOSING.sub("›", text)
    return _BRACKET.sub("［", text)


def fence(label: str, text: str) -> str:
    """Wrap untrusted text as `<label>...</label>`; nothing inside can close it.

    Raises ValueError for a label that is not lower-case words, or that models reserve.
    """
    if not _LABEL.fullmatch(label) or label in RESERVED_LABELS:
        raise ValueError(f"{label!r} cannot label a fence")
    return f"<{label}>\n{escape_special(text)}\n</{label}>"
