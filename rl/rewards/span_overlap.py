"""What an episode really showed of its video, and how well that meets the gold spans.

An inspected span counts only as far as frames of it were shown. It has two sizes. Its *hull* runs
from the first shown frame to the last, half a frame distance wider on both sides: that is what it
is blamed for. What was *seen* is the moments near a shown frame, half a frame distance and at most
one second away: that is what it gets credit for. In a window looked at frame by frame the two are
the same. In an hour of which 64 frames were shown, the hull is the hour and two minutes were seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import fmean
from typing import Final, NamedTuple

from videoseal.core.span import Span, covered_seconds, merge_spans, shared_seconds
from videoseal.evals.scoring.sample_result import EpisodePart

__all__ = ["Overlap", "ShownSpans", "best_pair", "proof", "shown", "together", "wide_enough"]

REACH_S: Final = 1.0
"""How far from a shown frame a moment may lie and still count as seen."""


class ShownSpans(NamedTuple):
    """One inspected span as far as it was shown."""

    hull: Span
    seen: list[Span]
    """Disjoint, in order, inside the hull."""


class Overlap(NamedTuple):
    """How windows meet gold spans; each in [0, 1]."""

    iou: float
    """Seconds of gold seen, over the seconds of hulls and gold together."""
    f1: float
    """Twice the seconds of gold seen, over the sum of the seconds of hulls and of gold."""


def shown(episode: EpisodePart) -> list[ShownSpans]:
    """Every inspected span of which a frame was shown, in order, once for each inspection."""
    found = []
    for entry in episode.evidence:
        times = [frame["time"] for frame in entry["frames"]]
        found += [_window(Span(*pair), times) for pair in entry["spans"]]
    return [window for window in found if window is not None]


def proof(episode: EpisodePart) -> list[ShownSpans]:
    """The windows that carry the answer: cited spans that hold a cited frame.

    They are the intervals that the benchmark's grounded accuracy is computed on. An answer that
    cites nothing, as the planner's own in `coupled`, rests on everything that was shown.
    """
    if not episode.answer.citations:
        return shown(episode)
    times = [frame["time"] for entry in episode.evidence for frame in entry["frames"]]
    found = []
    for citation in episode.answer.citations:
        cited = [frame["time"] for frame in citation["frames"]]
        spans = [Span(*pair) for pair in citation["spans"]]
        found += [_window(span, times) for span in spans if any(map(span.contains, cited))]
    return [window for window in found if window is not None]


def together(windows: Sequence[ShownSpans], gold: Sequence[Span]) -> Overlap:
    """All windows as one set against all gold spans: every useless second counts against it."""
    if not windows or not gold:
        return Overlap(0.0, 0.0)
    both = shared_seconds([span for window in windows for span in window.seen], gold)
    hulls, wanted = covered_seconds(window.hull for window in windows), covered_seconds(gold)
    return Overlap(both / (hulls + wanted - both), 2 * both / (hulls + wanted))


def best_pair(windows: Iterable[ShownSpans], gold: Sequence[Span]) -> Overlap:
    """The best of any window with any gold span, as the paper takes it; it rises with visits."""
    pairs = [together([window], [span]) for window in windows for span in gold]
    return Overlap(
        max((pair.iou for pair in pairs), default=0.0),
        max((pair.f1 for pair in pairs), default=0.0),
    )


def wide_enough(spans: Sequence[tuple[float, float]], least: float) -> list[Span]:
    """Gold spans in order and apart, those shorter than `least` seconds widened on both sides.

    A gold moment of one frame could otherwise not be met by any window that holds several.
    """
    widened = []
    for start, end in spans:
        more = max(0.0, least - (end - start)) / 2
        begin = max(0.0, start - more)
        widened.append(Span(begin, max(end + more, min(end, begin + least))))
    return merge_spans(widened)


def _window(span: Span, shown_at: Iterable[float]) -> ShownSpans | None:
    times = sorted({time for time in shown_at if span.contains(time)})
    if not times:
        return None
    apart = fmean(b - a for a, b in pairwise(times)) if len(times) > 1 else 2 * REACH_S
    reach = min(apart / 2, REACH_S)
    hull = Span(max(span.start, times[0] - apart / 2), min(span.end, times[-1] + apart / 2))
    near = (Span(max(hull.start, time - reach), min(hull.end, time + reach)) for time in times)
    return ShownSpans(hull, merge_spans(near))
