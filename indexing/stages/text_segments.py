"""On-screen text of the whole video: segments of clips joined into cues with exact edges."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from videoseal.core.span import Span
from videoseal.indexing.stages.change_detection import Box
from videoseal.indexing.stages.ocr_lines import OcrReadings, alike, digits, letters
from videoseal.indexing.stages.text_tracker import TextSegment

__all__ = ["Cue", "join_segments"]

_TICK: Final = 3.0
_TICKS: Final = 4
_LARGEST_STEP: Final = 10_000
"""From 12:59:59 to 13:00:00 the digits of a clock grow by 4,041."""
_TOUCH: Final = 1e-3
_PIECE: Final = 0.7
_SURE: Final = 0.95
"""Score of a lone letter that is more than a speck of the background."""


@dataclass
class Cue:
    """One text on the screen, from its first frame to the first frame without it."""

    start: float
    end: float
    text: str
    score: float
    box: Box
    readings: int = 1
    values: list[str] = field(default_factory=list)
    """What a running clock or counter showed, in order; empty for other texts."""

    @property
    def span(self) -> Span:
        """When the text is on the screen."""
        return Span(self.start, self.end)

    @property
    def short(self) -> str:
        """The text, or the first and last value of a counter."""
        return f"{self.values[0]} to {self.values[-1]}" if self.values else self.text


class _Chain:
    """Segments of one text over clip borders."""

    def __init__(self, segment: TextSegment) -> None:
        self.start, self.box = segment["start"], Box(*segment["box"])
        self.readings = OcrReadings()
        self.add(segment)

    def add(self, segment: TextSegment) -> None:
        self.end, self._last = segment["end"], segment["last"]
        self.readings.merge(OcrReadings.from_json(segment["readings"]))

    def goes_on_with(self, segment: TextSegment) -> bool:
        return self._last == segment["first"] or (
            self.box.near(Box(*segment["box"])) and alike(self._last, segment["first"])
        )


def join_segments(
    clips: Mapping[int, Sequence[TextSegment]], *, gap: float, longest_counter: float
) -> list[Cue]:
    """Cues in order of time, from the segments of each clip by ordinal.

    Equal texts at one place that are at most `gap` seconds apart are one cue: the reader missed
    a sample, or an end of the line. Clocks and counters become one cue for every
    `longest_counter` seconds.
    """
    cues = sorted(
        (
            Cue(c.start, c.end, c.readings.best, c.readings.score, c.box, c.readings.count)
            for c in _chains(clips)
        ),
        key=_order,
    )
    return _counters(_without_slips(_bridged(cues, gap), gap), longest_counter)


def _order(cue: Cue) -> tuple[float, float, float, float]:
    return (cue.start, cue.box.top, cue.box.left, cue.end)


def _chains(clips: Mapping[int, Sequence[TextSegment]]) -> Iterable[_Chain]:
    """Join what runs on past the end of one clip with what opens the next."""
    running: list[_Chain] = []
    previous = -1
    for ordinal in sorted(clips):
        if ordinal != previous + 1:
            yield from running
            running = []
        carried: list[_Chain] = []
        for segment in clips[ordinal]:
            before = [chain for chain in running if chain.goes_on_with(segment)]
            if segment["opens"] and before:
                chain = before[0]
                running.remove(chain)
                chain.add(segment)
            else:
                chain = _Chain(segment)
            if segment["runs_on"]:
                carried.append(chain)
            else:
                yield chain
        yield from running
        running, previous = carried, ordinal
    yield from running


def _bridged(cues: Iterable[Cue], gap: float) -> list[Cue]:
    """Unite equal texts at one place, and pieces of a text with it, `gap` seconds apart at most."""
    kept: list[Cue] = []
    recent: list[Cue] = []
    for cue in cues:
        recent = [other for other in recent if cue.start - other.end <= gap]
        before = next((other for other in recent if _same_line(other, cue)), None)
        if before is None:
            kept.append(cue)
            recent.append(cue)
            continue
        if cue.readings > before.readings:
            before.text, before.score, before.box = cue.text, cue.score, cue.box
        before.end = max(before.end, cue.end)
        before.readings += cue.readings
    return kept


def _same_line(one: Cue, two: Cue) -> bool:
    """Whether both show one text, perhaps without its first or last letters, but all its digits."""
    short, long = sorted((letters(one.text), letters(two.text)), key=len)
    if not one.box.near(two.box) or len(short) < _PIECE * len(long) or short not in long:
        return False
    return digits(short) == digits(long)


def _without_slips(cues: Sequence[Cue], gap: float) -> list[Cue]:
    """Drop single misreadings of a text that is there all the while, and fleeting lone letters."""
    kept: list[Cue] = []
    around: list[Cue] = []
    for cue in cues:
        around = [other for other in around if other.end >= cue.start - _TOUCH]
        slip = cue.readings == 1 and cue.end - cue.start <= gap
        doubtful = cue.readings < 2 or (cue.readings == 2 and cue.score < _SURE)
        lone = doubtful and len(letters(cue.text)) < 2
        if not lone and not (slip and any(_covers(other, cue) for other in around)):
            kept.append(cue)
            around.append(cue)
    return kept


def _covers(cue: Cue, slip: Cue) -> bool:
    inside = cue.start <= slip.start + _TOUCH and slip.end <= cue.end + _TOUCH
    return inside and cue.box.near(slip.box) and alike(cue.text, slip.text)


def _shape(text: str) -> str:
    """The letters with every digit as `#`; empty unless at least half of them are digits."""
    plain = letters(text)
    shape = re.sub(r"\d", "#", plain)
    return shape if 2 * shape.count("#") >= max(1, len(shape)) else ""


def _counters(cues: Sequence[Cue], longest: float) -> list[Cue]:
    """Unite runs of short cues that differ in digits alone: clocks, timers, counters."""
    kept: list[Cue] = []
    runs: dict[str, list[Cue]] = {}
    for cue in cues:
        shape = _shape(cue.text) if cue.end - cue.start <= _TICK else ""
        if not shape:
            kept.append(cue)
            continue
        run = runs.setdefault(shape, [])
        if run and not _ticks_on(run[-1], cue):
            kept.extend(_as_counter(run, longest))
            run.clear()
        run.append(cue)
    for run in runs.values():
        kept.extend(_as_counter(run, longest))
    return sorted(kept, key=_order)


def _ticks_on(before: Cue, after: Cue) -> bool:
    """Whether a value may follow another at the same place of a clock or counter."""
    one, two = (int(digits(cue.text)) for cue in (before, after))
    soon = after.start - before.end <= _TICK / 2
    return soon and abs(two - one) <= _LARGEST_STEP and before.box.near(after.box)


def _as_counter(run: Sequence[Cue], longest: float) -> list[Cue]:
    """One cue for every `longest` seconds of a run; the cues themselves when they are few."""
    if len(run) < _TICKS:
        return list(run)
    pieces: dict[int, list[Cue]] = {}
    for cue in run:
        pieces.setdefault(int(cue.start // longest), []).append(cue)
    return [
        Cue(
            piece[0].start,
            piece[-1].end,
            ", ".join(cue.text for cue in piece),
            min(cue.score for cue in piece),
            piece[0].box,
            sum(cue.readings for cue in piece),
            [cue.text for cue in piece],
        )
        for piece in pieces.values()
    ]
