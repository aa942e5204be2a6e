"""How a video is laid out in clips and scenes, and which moments of a clip are looked at.

Nothing else goes in than durations, rates and cuts, so that an interrupted run finds the
same clips again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from videoseal.core.span import Span

__all__ = [
    "caption_times",
    "clip_spans",
    "sample_times",
    "scene_spans",
]

_SLIVER: Final = 0.25
_NEVER_ZERO: Final = 1e-6
_SHORTEST_SCENE: Final = 8.0
_LONGEST_SCENE: Final = 300.0


def clip_spans(duration: float, seconds: float) -> list[Span]:
    """Cut `[0, duration)` into clips of `seconds`, without a gap, an overlap or a lost tail.

    A rest shorter than a quarter of a clip is absorbed by the last clip.
    """
    whole = math.floor(duration / seconds + _NEVER_ZERO)
    rest = duration - whole * seconds
    count = max(1, whole + (rest >= seconds * _SLIVER))
    starts = [index * seconds for index in range(count)]
    return [Span(a, b) for a, b in zip(starts, [*starts[1:], duration], strict=True)]


def sample_times(clip: Span, fps: float) -> list[float]:
    """Moments at which text is looked for: both ends of the clip and the grid of k / fps between.

    The end belongs to the next clip, too: that shared sample is where texts are joined.
    """
    first = math.floor(clip.start * fps + _NEVER_ZERO) + 1
    last = math.ceil(clip.end * fps - _NEVER_ZERO) - 1
    return [clip.start, *(index / fps for index in range(first, last + 1)), clip.end]


def caption_times(clip: Span, fps: float) -> list[float]:
    """Moments that a captioner is shown: from the clip's start, every 1 / fps seconds."""
    count = max(1, math.ceil(clip.duration * fps - _NEVER_ZERO))
    return [clip.start + index / fps for index in range(count)]


def scene_spans(cuts: Iterable[float], end: float, clip_starts: Iterable[float]) -> list[Span]:
    """Cover `[0, end)` with scenes of 8 s to 5 min that begin at cuts.

    Shots shorter than a scene join the one before. A stretch without cuts that is longer than a
    scene is divided at the starts of clips.
    """
    marks = [0.0]
    for cut in sorted(cuts):
        if cut - marks[-1] >= _SHORTEST_SCENE and end - cut >= _SHORTEST_SCENE:
            marks.append(cut)
    starts = sorted(clip_starts)
    spans: list[Span] = []
    position = 0
    for begin, stop in zip(marks, [*marks[1:], end], strict=True):
        first = begin
        while position < len(starts) and starts[position] < stop - _SHORTEST_SCENE:
            if starts[position] - first >= _LONGEST_SCENE:
                spans.append(Span(first, starts[position]))
                first = starts[position]
            position += 1
        spans.append(Span(first, stop))
    return spans
