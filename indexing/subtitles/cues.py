"""Cues as a file has them, and the lines that come of them: plain, in order, each one once."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from videoseal.core.span import Span
from videoseal.indexing.subtitles.encodings import DAMAGE

__all__ = ["CLOCK", "CueFault", "ParsedCues", "RawCue", "SubtitleLine", "clock", "closed", "usable"]

CLOCK: Final = (
    r"[-\u2212]?(?:\d+\s*:\s*)?\d{1,2}\s*:\s*\d{1,2}(?:\s*[.,]\s*\d+|\s*:\s*\d{3}(?!\d))?"
)
"""A time as people write it; the milliseconds may follow a colon, spaces may stand anywhere."""
_TAG: Final = re.compile(r"</?[A-Za-z/][^<>]*>|<(?:\d+:)+\d+[.,]\d+>|\{\\[^{}]*\}")
_ENTITY: Final = re.compile(r"&(?:#\d+|#[xX][0-9a-fA-F]+|\w+);")
_PAUSE: Final = 0.05
"""Seconds without a text that make its next showing another one; less is a frame's rounding."""
_LAST: Final = 5.0
"""Seconds that a line is given whose end nothing tells."""
_ROLLING: Final = 0.25
"""Share of cues that repeat what the cue before left on the screen, in captions that roll up."""


class SubtitleLine(NamedTuple):
    """One subtitle."""

    span: Span
    text: str


class RawCue(NamedTuple):
    """One cue of a file."""

    place: int
    """Line in the file, or number of the packet, from 1."""
    start: float
    end: float
    text: str
    """Lines and markup as they are."""


class CueFault(NamedTuple):
    """A cue that was lost or came out damaged."""

    place: int
    what: str


class ParsedCues(NamedTuple):
    """What a reader of one format found."""

    cues: list[RawCue]
    faults: list[CueFault]


class _Shown(NamedTuple):
    """A cue with its text lines, none of them empty."""

    start: float
    end: float
    lines: list[str]


def clock(text: str) -> float:
    """Seconds of a time that `CLOCK` matches, below 0 with a minus sign."""
    digits = re.sub(r":(\d{3})\Z", r".\1", re.sub(r"[\s\u2212-]", "", text).replace(",", "."))
    seconds = 0.0
    for part in digits.split(":"):
        seconds = seconds * 60 + float(part)
    return -seconds if text[0] in "-\u2212" else seconds


def closed(starts: Iterable[tuple[int, float, str]]) -> list[RawCue]:
    """Cues that last until a later one starts, which may be empty; the last some seconds."""
    cues: list[RawCue] = []
    following = later = None
    for place, start, text in sorted(starts, key=lambda item: item[1])[::-1]:
        if start != following:
            following, later = start, following
        cues.append(RawCue(place, start, start + _LAST if later is None else later, text))
    return cues[::-1]


def usable(parsed: ParsedCues, *, shift: float = 0.0) -> tuple[list[SubtitleLine], list[CueFault]]:
    """The lines to index, in order of time, and what was lost or damaged.

    `shift` is added to all times. A text that stays, in layers or frame by frame, is one line;
    one that rolls up comes once.
    """
    shown, faults = [], list(parsed.faults)
    for cue in sorted(parsed.cues, key=lambda cue: cue.start):
        lines = list(_plain(cue.text))
        start, end = max(0.0, cue.start + shift), cue.end + shift
        if lines and end > start:
            shown.append(_Shown(start, end, lines))
            if any(DAMAGE in line for line in lines):
                faults.append(CueFault(cue.place, "letters that cannot be read"))
        elif lines:
            whose = "the video" if cue.start < cue.end else "it"
            faults.append(CueFault(cue.place, f"ends before {whose} starts"))
    return list(_joined(_once(shown))), sorted(faults)


def _plain(text: str) -> Iterator[str]:
    """The lines without markup, then with entities resolved; empty ones are left out."""
    text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), _TAG.sub("", text))
    return filter(None, (" ".join(line.split()) for line in text.split("\n")))


def _once(shown: Sequence[_Shown]) -> list[_Shown]:
    """Captions that roll up without what an earlier cue showed already; others as they are."""
    carried = [0, *map(_carried, shown, shown[1:])]
    if sum(map(bool, carried)) < max(2, _ROLLING * len(shown)):
        return list(shown)
    kept: list[_Shown] = []
    for cue, count in zip(shown, carried, strict=True):
        if count < len(cue.lines):
            kept.append(cue._replace(lines=cue.lines[count:]))
        else:
            kept[-1] = kept[-1]._replace(end=max(kept[-1].end, cue.end))
    return kept


def _carried(before: _Shown, cue: _Shown) -> int:
    """How many lines at the start of a cue were the last of the one before, without a pause."""
    if cue.start - before.end > _PAUSE:
        return 0
    most = min(len(before.lines), len(cue.lines))
    return next((n for n in range(most, 0, -1) if before.lines[-n:] == cue.lines[:n]), 0)


def _joined(shown: Iterable[_Shown]) -> Iterator[SubtitleLine]:
    """Equal texts that overlap or touch as one line."""
    spans: dict[str, list[Span]] = {}
    for start, end, lines in shown:
        held = spans.setdefault(" ".join(lines), [])
        if held and start - held[-1].end <= _PAUSE:
            held[-1] = Span(held[-1].start, max(held[-1].end, end))
        else:
            held.append(Span(start, end))
    lines_of = (SubtitleLine(span, text) for text, held in spans.items() for span in held)
    yield from sorted(lines_of, key=lambda line: line.span)
