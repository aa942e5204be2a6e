"""Scenes: what lies between hard cuts, neither too short to matter nor too long to point at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from videoseal.core.span import Span

__all__ = ["scene_spans"]

_SHORTEST: Final = 8.0
_LONGEST: Final = 300.0


def scene_spans(cuts: Iterable[float], end: float, clip_starts: Iterable[float]) -> list[Span]:
    """Cover `[0, end)` with scenes of 8 s to 5 min that begin at cuts.

    Shots shorter than a scene join the one before. A stretch without cuts that is longer than a
    scene is divided at the starts of clips.
    """
    marks = [0.0]
    for cut in sorted(cuts):
        if cut - marks[-1] >= _SHORTEST and end - cut >= _SHORTEST:
            marks.append(cut)
    starts = sorted(clip_starts)
    spans: list[Span] = []
    position = 0
    for begin, stop in zip(marks, [*marks[1:], end], strict=True):
        first = begin
        while position < len(starts) and starts[position] < stop - _SHORTEST:
            if starts[position] - first >= _LONGEST:
                spans.append(Span(first, starts[position]))
                first = starts[position]
            position += 1
        spans.append(Span(first, stop))
    return spans
