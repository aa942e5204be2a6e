"""Sets of time intervals: the arithmetic under all temporal grounding scores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from videoseal.core.span import Span

__all__ = ["CG_THRESHOLDS", "best_pair_iou", "merge", "rec_at_iou", "set_iou", "shared", "total"]

CG_THRESHOLDS: Final = (0.1, 0.2, 0.3, 0.4, 0.5)
"""IoU thresholds over which CG-Bench averages its recall and its grounded accuracy."""


def merge(spans: Iterable[Span]) -> list[Span]:
    """The same set of moments as disjoint spans in order; touching spans become one."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start <= merged[-1].end:
            if span.end > merged[-1].end:
                merged[-1] = Span(merged[-1].start, span.end)
        else:
            merged.append(span)
    return merged


def total(spans: Iterable[Span]) -> float:
    """Seconds covered by at least one span."""
    return sum(span.duration for span in merge(spans))


def shared(first: Iterable[Span], second: Iterable[Span]) -> float:
    """Seconds covered by both sets, in linear time after sorting."""
    a, b = merge(first), merge(second)
    i = j = 0
    seconds = 0.0
    while i < len(a) and j < len(b):
        seconds += a[i].overlap(b[j])
        if a[i].end <= b[j].end:
            i += 1
        else:
            j += 1
    return seconds


def set_iou(predicted: Sequence[Span], gold: Sequence[Span]) -> float:
    """Intersection over union of two interval sets, as CG-Bench defines it; 0 for an empty set."""
    if not predicted or not gold:
        return 0.0
    both = shared(predicted, gold)
    return both / (total(predicted) + total(gold) - both)


def best_pair_iou(visited: Sequence[Span], gold: Sequence[Span]) -> float:
    """The largest IoU of any visited with any gold span, as the VideoSEAL paper takes it."""
    return max((a.iou(b) for a in visited for b in gold), default=0.0)


def rec_at_iou(iou: float) -> float:
    """CG-Bench's rec@IoU of one question: the share of thresholds that `iou` reaches."""
    return sum(iou >= threshold for threshold in CG_THRESHOLDS) / len(CG_THRESHOLDS)
