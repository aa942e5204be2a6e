"""The planner's spans: those that can be inspected, and what is wrong with the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from videoseal.core.errors import SpanError
from videoseal.core.span import Span
from videoseal.tools.schemas import MAX_SPANS

__all__ = ["ReadSpans", "read_spans"]


class ReadSpans(NamedTuple):
    """Spans inside the video, and for each of the others what was written and why it is wrong."""

    usable: list[Span]
    rejected: list[dict[str, str]]


def read_spans(texts: Sequence[str], duration: float, frames: int) -> ReadSpans:
    """Read spans and cut them to the video of `duration` seconds; repeats count once.

    Every span needs one of the `frames` that may be shown; those beyond are rejected. Raises
    SpanError when there are more than MAX_SPANS, or when none can be used.
    """
    if len(texts) > MAX_SPANS:
        raise SpanError(f"{len(texts)} spans are too many; inspect at most {MAX_SPANS} at once")
    usable: list[Span] = []
    rejected: list[dict[str, str]] = []
    for text in texts:
        try:
            span = Span.parse(text).within(duration)
        except SpanError as error:
            rejected.append({"span": text[:60], "error": str(error)})
            continue
        if span in usable:
            continue
        if len(usable) == frames:
            rejected.append({"span": text[:60], "error": "no frames are left for this span"})
            continue
        usable.append(span)
    if not usable:
        raise SpanError("; ".join(item["error"] for item in rejected)[:400])
    return ReadSpans(usable, rejected)
