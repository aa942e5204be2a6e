"""Time on the presentation timeline: float seconds, half-open spans, and sets of them.

`HH:MM:SS` exists only at the borders of the program; inside it time is a float.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from videoseal.core.errors import SpanError

__all__ = [
    "Span",
    "best_pair_iou",
    "covered_seconds",
    "format_time",
    "merge_spans",
    "parse_time",
    "set_iou",
    "shared_seconds",
]

_CLOCK = re.compile(r"(?:(\d{1,3}):)?([0-5]?\d):([0-5]\d)(?:[.,](\d{1,6}))?")
_SECONDS = re.compile(r"(\d{1,7}(?:\.\d{1,9})?)s?")
_DASH = re.compile(r"\s*(?:-->|[-\u2013\u2014~]|\bto\b)\s*")


def parse_time(text: str | float) -> float:
    """Read `HH:MM:SS[.fff]`, `MM:SS[.fff]`, or plain seconds (`75`, `75.2`, `75.2s`).

    Raises SpanError for anything else: negative, infinite, or out-of-range minutes and seconds.
    """
    if isinstance(text, int | float) and not isinstance(text, bool):
        if math.isfinite(text) and text >= 0:
            return float(text)
        raise SpanError(f"time must be a finite number of seconds >= 0, not {text!r}")
    if not isinstance(text, str):
        raise SpanError(f"time must be text or a number, not {type(text).__name__}")
    stripped = text.strip()
    if match := _CLOCK.fullmatch(stripped):
        hours, minutes, seconds, fraction = match.groups()
        whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
        return whole + (float(f"0.{fraction}") if fraction else 0.0)
    if match := _SECONDS.fullmatch(stripped):
        return float(match.group(1))
    raise SpanError(f"cannot read {text!r:.60} as a time; write HH:MM:SS or seconds")


def format_time(seconds: float, *, decimals: int = 0) -> str:
    """Write seconds as `HH:MM:SS`, with `decimals` digits of the fraction, rounded down."""
    scale = 10**decimals
    # The nudge keeps 0.29 from being printed as 0.28 because 0.29 * 100 is 28.999...
    ticks = math.floor(seconds * scale + 1e-6)
    whole, rest = divmod(ticks, scale)
    clock = f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
    return f"{clock}.{rest:0{decimals}d}" if decimals else clock


@dataclass(frozen=True, order=True, slots=True)
class Span:
    """A half-open stretch of time `[start, end)` in seconds, with `0 <= start < end`."""

    start: float
    end: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start) and math.isfinite(self.end)):
            raise SpanError(f"span {self.start}..{self.end} is not finite")
        if self.start < 0:
            raise SpanError(f"span starts before the video: {self.start}")
        if self.end <= self.start:
            raise SpanError(f"span ends at {self.end}, not after its start {self.start}")

    @classmethod
    def parse(cls, text: str) -> Span:
        """Read two times joined by a dash, `~`, `to` or `-->`, such as `00:01:00-00:01:16`."""
        if not isinstance(text, str):
            raise SpanError(f"span must be text, not {type(text).__name__}")
        parts = _DASH.split(text.strip().strip("[]()"))
        if len(parts) != 2:
            raise SpanError(f"cannot read {text!r:.60} as a span; write HH:MM:SS-HH:MM:SS")
        return cls(parse_time(parts[0]), parse_time(parts[1]))

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.end - self.start

    @property
    def middle(self) -> float:
        """The moment halfway through, in seconds."""
        return (self.start + self.end) / 2

    def contains(self, time: float) -> bool:
        """Whether `time` lies in `[start, end)`."""
        return self.start <= time < self.end

    def overlap(self, other: Span) -> float:
        """Seconds shared with `other`; 0 where they only touch."""
        return max(0.0, min(self.end, other.end) - max(self.start, other.start))

    def iou(self, other: Span) -> float:
        """Temporal intersection over union, in [0, 1]."""
        shared = self.overlap(other)
        return shared / (self.duration + other.duration - shared)

    def within(self, duration: float) -> Span:
        """Cut to `[0, duration)`; SpanError when nothing of it lies inside the video."""
        if self.start >= duration:
            raise SpanError(
                f"span {self} starts after the end of the video ({format_time(duration)})"
            )
        return Span(self.start, min(self.end, duration))

    def __str__(self) -> str:
        decimals = 0 if self.start == int(self.start) and self.end == int(self.end) else 3
        return (
            f"{format_time(self.start, decimals=decimals)}-"
            f"{format_time(self.end, decimals=decimals)}"
        )


def merge_spans(spans: Iterable[Span]) -> list[Span]:
    """The same set of moments as disjoint spans in order; touching spans become one."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start <= merged[-1].end:
            if span.end > merged[-1].end:
                merged[-1] = Span(merged[-1].start, span.end)
        else:
            merged.append(span)
    return merged


def covered_seconds(spans: Iterable[Span]) -> float:
    """Seconds covered by at least one span."""
    return sum(span.duration for span in merge_spans(spans))


def shared_seconds(first: Iterable[Span], second: Iterable[Span]) -> float:
    """Seconds covered by both sets, in linear time after sorting."""
    a, b = merge_spans(first), merge_spans(second)
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
    both = shared_seconds(predicted, gold)
    return both / (covered_seconds(predicted) + covered_seconds(gold) - both)


def best_pair_iou(visited: Sequence[Span], gold: Sequence[Span]) -> float:
    """The largest IoU of any visited with any gold span, as the VideoSEAL paper takes it."""
    return max((a.iou(b) for a in visited for b in gold), default=0.0)
