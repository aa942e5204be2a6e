"""How a video is laid out in clips, and which moments of a clip are looked at.

Everything here is a function of duration and rate alone, so that an interrupted run finds the
same clips again.
"""

from __future__ import annotations

import math
from typing import Final

from videoseal.core.span import Span

__all__ = ["caption_times", "clip_spans", "sample_times"]

_SLIVER: Final = 0.25
_NEVER_ZERO: Final = 1e-6


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
