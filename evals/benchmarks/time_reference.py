"""Gold spans as benchmarks publish them."""

from __future__ import annotations

import re
from typing import Any, Final

from videoseal.core.errors import SpanError
from videoseal.core.span import Span
from videoseal.tools.span_text import PUBLISHED, read_spans

__all__ = ["read_references"]

_NOTHING: Final = frozenset({"", "-", "n/a", "na", "none", "null", "nan", "[]"})


def read_references(given: Any) -> list[Span]:
    """The spans of a published `time_reference`, a text, a number, or a list of them.

    A moment is a span of a second; nothing, or a word for it, has none. Raises ValueError for what
    careful readers would not all read alike, such as an end before its start.
    """
    if given is None or (isinstance(given, str) and given.strip().casefold() in _NOTHING):
        return []
    if isinstance(given, list) and all(entry in ("", None) for entry in given):
        return []
    try:
        return read_spans(given, PUBLISHED)
    except SpanError as problem:
        # The rest of the sentence tells a planner what to write.
        raise ValueError(re.split(" as a |;", str(problem))[0]) from None
