"""MicroDVD, MPL2, TMPlayer and LRC: one cue a line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from videoseal.indexing.subtitles.cues import CueFault, ParsedCues, RawCue, clock, closed

__all__ = ["read_line_form"]

_MICRODVD: Final = re.compile(r"\s*\{\s*(\d+)\s*\}\s*\{\s*(\d*)\s*\}(.*)")
_MPL2: Final = re.compile(r"\s*\[(-?\d+)\]\s*\[(-?\d*)\](.*)")
_TMPLAYER: Final = re.compile(r"\s*(\d+:\d{1,2}:\d{1,2})[:=](?!\d{3}\b)(.*)")
_LRC: Final = re.compile(r"\s*((?:\[\s*-?\d+:\d{1,2}(?:[.:,]\d+)?\s*\]\s*)+)(.*)")
_FORMS: Final = (_MICRODVD, _MPL2, _TMPLAYER, _LRC)
_NO_CUE: Final = re.compile(r"\s*|\s*\[[A-Za-z#]\w*:.*|\s*\{DEFAULT\}.*", re.IGNORECASE)
_OFFSET: Final = re.compile(r"^\s*\[offset:\s*([+-]?\d+)\s*\]", re.MULTILINE | re.IGNORECASE)
_CODES: Final = re.compile(r"\{[A-Za-z]:[^{}]*\}|^\s*/|(?<=\|)/", re.MULTILINE)
_FPS: Final = 25.0
"""Where neither the file nor the caller says how many frames a second has."""


def read_line_form(text: str, fps: float | None) -> ParsedCues | None:
    """All cues, and the lines that are none; None where the text has none of these forms."""
    lines = text.split("\n")
    form = max(_FORMS, key=lambda form: sum(bool(form.fullmatch(line)) for line in lines))
    found = [(place, form.fullmatch(line)) for place, line in enumerate(lines, start=1)]
    matches = [(place, match) for place, match in found if match]
    if not matches:
        return None
    faults = [
        CueFault(place, f"cannot read {lines[place - 1].strip()!r:.80}")
        for place, match in found
        if not match and not _NO_CUE.fullmatch(lines[place - 1])
    ]
    if form in (_MICRODVD, _MPL2):
        return ParsedCues(_counted(matches, 10.0 if form is _MPL2 else None, fps), faults)
    shift = float(offset[1]) / 1000 if form is _LRC and (offset := _OFFSET.search(text)) else 0.0
    return ParsedCues(closed(_clocked(matches, shift)), faults)


def _counted(
    matches: Sequence[tuple[int, re.Match[str]]], rate: float | None, fps: float | None
) -> list[RawCue]:
    """Cues whose times are numbers, `rate` a second; where it is None, the first line says so."""
    if rate is None:
        first = matches[0][1]
        said = re.fullmatch(r"\s*(\d+(?:[.,]\d+)?)\s*", first[3])
        rate = fps or _FPS
        if said and first[1] == (first[2] or first[1]) and int(first[1]) <= 1:
            rate, matches = float(said[1].replace(",", ".")) or rate, matches[1:]
    cues, endless = [], []
    for place, match in matches:
        start, text = int(match[1]) / rate, _CODES.sub("", match[3]).replace("|", "\n")
        if match[2]:
            cues.append(RawCue(place, start, int(match[2]) / rate, text))
        else:
            endless.append((place, start, text))
    return [*cues, *closed(endless)]


def _clocked(
    matches: Sequence[tuple[int, re.Match[str]]], shift: float
) -> Iterator[tuple[int, float, str]]:
    """Start and text of cues that last until the next; a line of LRC may have several times."""
    for place, match in matches:
        for time in re.findall(r"-?\d[\d:.,]*", match[1]):
            # A colon before the fraction, as some LRC writers have it.
            whole = re.sub(r"^(\d+:\d+):(\d+)$", r"\1.\2", time) if "[" in match[1] else time
            yield place, clock(whole) - shift, match[2].replace("|", "\n")
