"""Time on the presentation timeline: float seconds, half-open spans, and sets of them.

`HH:MM:SS` and the other forms in which people write a time exist only at the borders of the
program; inside it time is a float.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from videoseal.core.errors import SpanError

__all__ = [
    "Span",
    "Time",
    "best_pair_iou",
    "covered_seconds",
    "format_time",
    "merge_spans",
    "parse_time",
    "range_ends",
    "set_iou",
    "shared_seconds",
    "tokens",
]

_UNITS: Final = {
    "h": 3600.0,
    "m": 60.0,
    "s": 1.0,
    "小": 3600.0,
    "时": 3600.0,
    "分": 60.0,
    "秒": 1.0,
}
"""Seconds by the first character of a unit's name."""
_AMOUNT: Final = r"\d{1,7}(?:\.\d{1,9})?"
_NAMES: Final = (
    r"(?:hours?|hrs?|h)(?![a-z])|小?时",
    r"(?:minutes?|mins?|m)(?![a-z])|分钟?",
    r"(?:seconds?|secs?|s)(?![a-z])|秒",
)
_IN_UNITS: Final = "".join(rf"(?:{_AMOUNT}\s*(?:{names})\s*)?" for names in _NAMES)
_TOKEN: Final = re.compile(
    rf"""(?P<clock>\d{{1,5}}(?::\d{{2}}){{1,2}}(?:\.\d{{1,6}}|,\d{{1,6}}(?![\d:]))?(?![\d:]))
      (?:\s*(?:s|secs?|mins?)\b)?
    |(?P<prime>\d+['\u2032]\s?\d{{1,2}}(?:["\u2033]|''|\u2032\u2032)?)
    |(?P<units>(?={_AMOUNT}\s*(?:{"|".join(_NAMES)})){_IN_UNITS})
    |(?P<number>{_AMOUNT})(?![\d:])
    |(?P<range>[-=]+>|-+|[\u2010-\u2015\u2212\u2192]|\.{{2,3}}
      |\b(?:to|until|till|through)\b|[\u81f3\u5230])
    |(?P<perhaps>[~\u301c]|\bend\b:?|\band\b|&)
    |(?P<mark>(?:[\s,;\u3001|/()\[\]'"@<>`*_]|=(?!>))+|\bt(?==)
      |\b(?:at|from|between|around|about|approx(?:imately)?|near|the|time|timestamps?|start|moment
      |seconds|secs)\b[:.]?)
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""What `perhaps` matches joins start and end, or else means something about a moment."""


class Time(NamedTuple):
    """A moment as it was written."""

    seconds: float
    kind: str
    """`clock`, `prime`, `units` or `number`."""
    unit: float = 1.0
    """Seconds of the only unit that it is told in; 0 where there are several."""


def parse_time(text: str | float) -> float:
    """Read `HH:MM:SS[.fff]`, `MM:SS[.fff]`, seconds (`75`, `75.2s`) or units (`1 min 15 s`).

    Raises SpanError for anything else: negative, infinite, or out-of-range minutes and seconds.
    """
    if isinstance(text, int | float) and not isinstance(text, bool):
        if math.isfinite(text) and text >= 0:
            return float(text)
        raise SpanError(f"cannot read {text!r:.60} as a time; it is no number of seconds >= 0")
    if not isinstance(text, str):
        raise SpanError(f"time must be text or a number, not {type(text).__name__}")
    match list(tokens(text.strip())):
        case [Time(seconds=seconds)]:
            return seconds
    raise SpanError(f"cannot read {text!r:.60} as a time; write HH:MM:SS or seconds")


def format_time(seconds: float, *, decimals: int = 0) -> str:
    """Write seconds as `HH:MM:SS`, with `decimals` digits of the fraction, rounded down."""
    scale = 10**decimals
    # The nudge keeps 0.29 from being printed as 0.28 because 0.29 * 100 is 28.999...
    ticks = math.floor(seconds * scale + 1e-6)
    whole, rest = divmod(ticks, scale)
    clock = f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
    return f"{clock}.{rest:0{decimals}d}" if decimals else clock


def tokens(text: str) -> Iterator[Time | str]:
    """Times; `-` and `~` that join two to a span, the second if there are two; `,` for the rest.

    Raises SpanError at the first word that is none of these.
    """
    text = unicodedata.normalize("NFKC", text)
    position, between = 0, "between" in text.casefold()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise SpanError(f"cannot read {text!r:.60} as a time; write HH:MM:SS or seconds")
        position, kind = match.end(), match.lastgroup
        if kind == "perhaps":
            yield "~" if between or match[0].casefold() not in ("and", "&") else ","
        elif kind in ("range", "mark"):
            yield "-" if kind == "range" else ","
        else:
            yield _time(match)


def range_ends(start: Time, end: Time) -> tuple[float, float]:
    """Both in seconds; `1:20-25` ends in the minute of its start, `2-3 min` begins in its unit."""
    first, last = start.seconds, end.seconds
    if (start.kind, end.kind) == ("clock", "number") and last < min(first, 60):
        last += first - first % 60
    if (start.kind, end.kind) == ("number", "units"):
        first *= end.unit
    if end.unit == 0 and start.kind == "number":
        raise SpanError(f"cannot read {start.seconds:g} as a time; it has no unit")
    return first, last


def _time(match: re.Match[str]) -> Time:
    if match["number"]:
        return Time(float(match["number"]), "number")
    if match["units"]:
        parts = re.findall(rf"({_AMOUNT})\s*(\D)", match["units"].casefold())
        units = [_UNITS[unit] for _, unit in parts]
        seconds = sum(float(part[0]) * unit for part, unit in zip(parts, units, strict=True))
        return Time(seconds, "units", units[0] if len(units) == 1 else 0.0)
    parts = re.findall(r"\d+(?:[.,]\d+)?", match["clock"] or match["prime"])
    *whole, seconds = (float(part.replace(",", ".")) for part in parts)
    if seconds >= 60 or any(part >= 60 for part in whole[1:]):
        raise SpanError(f"cannot read {match[0]!r:.60} as a clock")
    minutes = whole[0] if len(whole) == 1 else whole[0] * 60 + whole[1]
    return Time(minutes * 60 + seconds, "clock")


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
        match [part for part in tokens(text) if part != ","]:
            case [Time() as start, "-" | "~", Time() as end]:
                return cls(*range_ends(start, end))
        raise SpanError(f"cannot read {text!r:.60} as a span; write HH:MM:SS-HH:MM:SS")

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
