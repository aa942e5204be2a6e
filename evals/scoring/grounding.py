"""How well the frames that an agent really looked at cover the gold evidence.

`LookedAt` is what was looked at; every score is per question and pure. Beside each rate stands the
chance of the same number of windows of the same lengths thrown anywhere into the video.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from videoseal.core.span import Span, best_pair_iou, set_iou

__all__ = [
    "CG_THRESHOLDS",
    "IOU_LEVELS",
    "PAPER_THRESHOLD",
    "Chance",
    "Grounding",
    "LookedAt",
    "Window",
    "chance",
    "ground",
    "rec_at_iou",
]

PAPER_THRESHOLD: Final = 0.05
"""tIoU at which the VideoSEAL paper calls a trace temporally grounded."""
IOU_LEVELS: Final = (PAPER_THRESHOLD, 0.10, 0.20)
"""tIoU levels of which chance is told, in the order of `Chance`."""
CG_THRESHOLDS: Final = (0.1, 0.2, 0.3, 0.4, 0.5)
"""IoU thresholds over which CG-Bench averages its recall and its grounded accuracy."""
_MOST_PREDICTED: Final = 5
"""CG-Bench scores at most five predicted intervals."""


class Window(NamedTuple):
    """One inspected span and the times of the frames shown from it."""

    span: Span
    frames: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class LookedAt:
    """What an agent looked at while it worked on one question."""

    windows: list[Window] = field(default_factory=list)
    """Every inspected span, in order."""
    cited: list[Span] = field(default_factory=list)
    """Spans that the answer cites; empty when it cites nothing."""
    cited_frames: list[float] = field(default_factory=list)
    """Times of the frames that the answer cites."""


class Grounding(NamedTuple):
    """Scores of one question against its gold spans."""

    best_iou: float
    """Largest tIoU of an inspected with a gold span: the paper's measure."""
    hit: bool
    """Whether a frame really shown lies inside a gold span."""
    cited_hit: bool
    """Whether a frame that the answer cites lies inside a gold span."""
    coverage: float
    """Share of the gold spans of which at least one frame was shown."""
    iou: float
    """CG-Bench's IoU of predicted (cited) against gold interval sets."""
    recall_at_iou: float
    """CG-Bench's rec@IoU of that."""


class Chance(NamedTuple):
    """What random windows of the same lengths would reach."""

    paper: float
    """Probability that the paper's G_t is 1."""
    at_10: float
    """Probability that the largest tIoU reaches 0.10."""
    at_20: float
    """Probability that the largest tIoU reaches 0.20."""
    hit: float
    """Probability that a shown frame lies inside a gold span."""


def ground(looked: LookedAt, gold: Sequence[Span]) -> Grounding:
    """Score what was looked at against the gold spans, of which there must be one."""
    frames = [time for window in looked.windows for time in window.frames]
    seen = [any(span.contains(time) for time in frames) for span in gold]
    iou = set_iou(looked.cited[:_MOST_PREDICTED], gold)
    return Grounding(
        best_iou=best_pair_iou([window.span for window in looked.windows], gold),
        hit=any(seen),
        cited_hit=any(span.contains(time) for span in gold for time in looked.cited_frames),
        coverage=sum(seen) / len(gold),
        iou=iou,
        recall_at_iou=rec_at_iou(iou),
    )


def rec_at_iou(iou: float) -> float:
    """CG-Bench's rec@IoU of one question: the share of thresholds that `iou` reaches."""
    return sum(iou >= threshold for threshold in CG_THRESHOLDS) / len(CG_THRESHOLDS)


def chance(looked: LookedAt, gold: Sequence[Span], duration: float) -> Chance:
    """Exact probabilities when every window starts anywhere in the video, independently."""
    miss = [1.0] * (len(IOU_LEVELS) + 1)
    for span, frames in looked.windows:
        length, room = span.duration, duration - span.duration
        offsets = [time - span.start for time in frames]
        for place, level in enumerate(IOU_LEVELS):
            overlapping = (_starts_with_iou(length, wanted, level) for wanted in gold)
            miss[place] *= 1 - _share(overlapping, room)
        hitting = ((wanted.start - o, wanted.end - o) for wanted in gold for o in offsets)
        miss[-1] *= 1 - _share(hitting, room)
    return Chance(*(1 - share for share in miss))


def _starts_with_iou(length: float, gold: Span, threshold: float) -> tuple[float, float]:
    """Between which starts a window of `length` reaches `threshold` with `gold`.

    IoU >= t means an overlap of at least t (L + G) / (1 + t), and the overlap of a window that
    starts at s is at least m exactly for s in [g + m - L, g + G - m].
    """
    needed = threshold * (length + gold.duration) / (1 + threshold)
    if needed > min(length, gold.duration):
        return (1.0, 0.0)  # empty: no start reaches it
    return (gold.start + needed - length, gold.end - needed)


def _share(starts: Iterable[tuple[float, float]], room: float) -> float:
    """Share of the possible starts `[0, room]` that lies in one of the intervals."""
    if room <= 0:
        return float(any(low <= 0 <= high for low, high in starts))
    covered = reached = 0.0
    for low, high in sorted(starts):
        begin, until = max(low, reached), min(high, room)
        if until > begin:
            covered += until - begin
            reached = until
    return min(1.0, covered / room)
