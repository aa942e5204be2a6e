"""Following lines of text through one clip, from sample to sample, to exact first and last frames.

Text is read at samples only. Between two samples the small grey pictures of all frames are at
hand: where a line comes or goes, its strokes tell in which frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypedDict

from indexing.readings import Reading, Readings, alike, letters
from indexing.regions import Box, Grey, first_after_step, likeness, same_strokes

__all__ = ["Segment", "TextTracker", "TimedGrey"]

_INDISTINCT: Final = 0.9
_SCROLL: Final = 0.2


class TimedGrey(NamedTuple):
    """A small grey picture of the frame shown from `time` on."""

    time: float
    grey: Grey


class Segment(TypedDict):
    """One line of text inside one clip, as it is stored."""

    start: float
    end: float
    opens: bool
    """Whether it was there already at the clip's first frame."""
    runs_on: bool
    """Whether it is still there at the clip's end."""
    box: list[float]
    first: str
    """Its first reading, for joining with the clip before."""
    last: str
    readings: dict[str, list[float]]


@dataclass
class _Track:
    start: float
    opens: bool
    box: Box
    first: str
    last: str
    readings: Readings

    @classmethod
    def begin(cls, reading: Reading, start: float, *, opens: bool) -> _Track:
        votes = Readings()
        votes.add(reading.text, reading.score)
        return cls(start, opens, reading.box, reading.text, reading.text, votes)

    def see(self, reading: Reading) -> None:
        self.box, self.last = reading.box, reading.text
        self.readings.add(reading.text, reading.score)

    def end(self, time: float, *, runs_on: bool) -> Segment:
        return Segment(
            start=self.start,
            end=time,
            opens=self.opens,
            runs_on=runs_on,
            box=[round(edge, 4) for edge in self.box],
            first=self.first,
            last=self.last,
            readings=self.readings.to_json(),
        )


class TextTracker:
    """The lines of one clip; feed it samples in order, then `finish`."""

    def __init__(self, start: float, lines: Sequence[Reading], opening: TimedGrey) -> None:
        self._last = opening
        self._open = [_Track.begin(line, start, opens=True) for line in lines]
        self._done: list[Segment] = []

    def unchanged(self, sample: TimedGrey) -> None:
        """Go on to a sample whose picture is that of the sample before."""
        self._last = sample

    def advance(self, lines: Sequence[Reading], frames: Sequence[TimedGrey]) -> None:
        """Go on to a sample where `lines` were read.

        `frames` are all frames since the last sample; the last of them is the new sample.
        """
        interval = _Interval([self._last, *frames])
        rest = list(lines)
        kept: list[_Track] = []
        lost: list[_Track] = []
        for track in self._open:
            match = next((line for line in rest if interval.continues(track, line)), None)
            if match is not None:
                rest.remove(match)
                track.see(match)
            (lost if match is None else kept).append(track)
        for track in lost:
            if interval.still_there(track, rest):
                rest = [line for line in rest if not track.box.holds(line.box)]
                kept.append(track)
            elif not any(interval.regrouped(track, line) for line in rest):
                self._done.append(track.end(interval.vanishing(track.box), runs_on=False))
        for line in rest:
            parts = [track for track in lost if interval.regrouped(track, line)]
            kept.append(interval.appear(line, [track for track in parts if track not in kept]))
        self._open, self._last = kept, frames[-1]

    def finish(self, end: float) -> list[Segment]:
        """All segments of the clip in order of time; open ones run on past `end`."""
        running = [track.end(end, runs_on=True) for track in self._open]
        whole = [part for part in [*self._done, *running] if part["end"] > part["start"]]
        return sorted(whole, key=lambda part: (part["start"], part["box"][1], part["box"][0]))


class _Interval:
    """All frames from one sample to the next, both included."""

    def __init__(self, frames: Sequence[TimedGrey]) -> None:
        self.frames = frames
        self.before, self.after = frames[0].grey, frames[-1].grey

    def continues(self, track: _Track, line: Reading) -> bool:
        """Whether `line` is the track's text, perhaps misread, perhaps scrolled a little."""
        if letters(track.last) == letters(line.text):
            across = min(track.box.right, line.box.right) - max(track.box.left, line.box.left)
            return across > 0 and abs(track.box.top - line.box.top) <= _SCROLL
        return (
            track.box.near(line.box)
            and alike(track.last, line.text)
            and same_strokes(track.box, self.before, self.after)
        )

    def still_there(self, track: _Track, rest: Sequence[Reading]) -> bool:
        """Whether the reader only missed the line, or saw it in pieces."""
        rivals = [line for line in rest if track.box.near(line.box)]
        if not all(track.box.holds(line.box) for line in rivals):
            return False
        return likeness(track.box, self.before, self.after) > 0 and same_strokes(
            track.box, self.before, self.after
        )

    def regrouped(self, track: _Track, line: Reading) -> bool:
        """Whether the track is a piece of a longer line that was now read as one."""
        return line.box.holds(track.box) and letters(track.last) in letters(line.text)

    def appear(self, line: Reading, parts: Sequence[_Track]) -> _Track:
        """Begin a track where the line comes into view, or where its pieces did."""
        if not parts:
            return _Track.begin(line, self.appearing(line.box), opens=False)
        start = min(track.start for track in parts)
        return _Track.begin(line, start, opens=any(track.opens for track in parts))

    def vanishing(self, box: Box) -> float:
        """Time of the first frame without what the first sample shows in `box`."""
        values = [likeness(box, self.before, frame.grey) for frame in self.frames]
        index = _fall(values)
        return self.frames[-1 if index is None else index].time

    def appearing(self, box: Box) -> float:
        """Time of the first frame with what the last sample shows in `box`."""
        values = [likeness(box, frame.grey, self.after) for frame in reversed(self.frames)]
        index = _fall(values)
        return self.frames[0 if index is None else len(self.frames) - index].time


def _fall(values: list[float]) -> int | None:
    """Index of the first value after the fall from `values[0]`; None where nothing falls."""
    top, low = values[0], values[-1]
    if top <= 0 or low > _INDISTINCT * top:
        return None
    return first_after_step([(value - low) / (top - low) for value in values])
