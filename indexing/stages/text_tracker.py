"""Following lines of text through one clip, from sample to sample, to exact first and last frames.

Text is read at samples only. Between two samples the small grey pictures of all frames are at
hand: where a line comes or goes, its strokes tell in which frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, TypedDict

from videoseal.indexing.stages.change_detection import Box, Grey, Strokes
from videoseal.indexing.stages.ocr_lines import OcrReading, OcrReadings, alike, digits, letters

__all__ = ["TextSegment", "TextTracker", "TimedGrey"]

_DRIFT: Final = 0.2
_STILL: Final = 0.01


class TimedGrey(NamedTuple):
    """A small grey picture of the frame shown from `time` on."""

    time: float
    grey: Grey


class TextSegment(TypedDict):
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


class _Track:
    def __init__(self, reading: OcrReading, start: float, *, opens: bool) -> None:
        self.start, self.opens, self.first = start, opens, reading.text
        self.readings = OcrReadings()
        self.see(reading)

    def see(self, reading: OcrReading) -> None:
        self.box, self.last = reading.box, reading.text
        self.readings.add(reading.text, reading.score)

    def end(self, time: float, *, runs_on: bool) -> TextSegment:
        return TextSegment(
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

    def __init__(self, start: float, lines: Sequence[OcrReading], opening: TimedGrey) -> None:
        self._last = opening
        self._open = [_Track(line, start, opens=True) for line in lines]
        self._done: list[TextSegment] = []

    def unchanged(self, sample: TimedGrey) -> None:
        """Go on to a sample whose picture is that of the sample before."""
        self._last = sample

    def advance(self, lines: Sequence[OcrReading], frames: Sequence[TimedGrey]) -> None:
        """Go on to a sample where `lines` were read.

        `frames` are all frames since the last sample; the last of them is the new sample.
        """
        interval = _Interval([self._last, *frames], _scroll(self._open, lines))
        rest = list(lines)
        kept: list[_Track] = []
        lost: list[_Track] = []
        for track in self._open:
            match = interval.match(track, rest)
            if match is not None:
                rest.remove(match)
                track.see(match)
            (lost if match is None else kept).append(track)
        for track in lost:
            if interval.still_there(track, rest):
                track.box = interval.place(track)
                rest = [line for line in rest if not track.box.holds(line.box)]
                kept.append(track)
            elif not any(interval.regrouped(track, line) for line in rest):
                self._done.append(track.end(interval.vanishing(track.box), runs_on=False))
        gone = [track for track in lost if track not in kept]
        for line in rest:
            kept.append(interval.appear(line, [t for t in gone if interval.regrouped(t, line)]))
        self._open, self._last = kept, frames[-1]

    def finish(self, end: float) -> list[TextSegment]:
        """All segments of the clip in order of time; open ones run on past `end`."""
        running = [track.end(end, runs_on=True) for track in self._open]
        whole = [part for part in [*self._done, *running] if part["end"] > part["start"]]
        return sorted(whole, key=lambda part: (part["start"], part["box"][1], part["box"][0]))


def _scroll(tracks: Sequence[_Track], lines: Sequence[OcrReading]) -> float:
    """How far down all text moved, in heights of the picture; 0 unless several lines agree."""
    keys = [letters(track.last) for track in tracks]
    before = {k: t.box.top for k, t in zip(keys, tracks, strict=True) if keys.count(k) == 1}
    after = {letters(line.text): line.box.top for line in lines}
    moves = sorted(after[key] - top for key, top in before.items() if key in after)
    if len(moves) < 2:
        return 0.0
    middle = moves[len(moves) // 2]
    agreeing = sum(abs(move - middle) < _STILL for move in moves)
    return middle if abs(middle) >= _STILL and agreeing > len(moves) / 2 else 0.0


class _Interval:
    """All frames from one sample to the next, both included."""

    def __init__(self, frames: Sequence[TimedGrey], scroll: float) -> None:
        self.frames, self.scroll = frames, scroll
        self.before, self.after = frames[0].grey, frames[-1].grey

    def place(self, track: _Track) -> Box:
        """Where the track's line should be now."""
        return track.box.lowered(self.scroll) if self.scroll else track.box

    def match(self, track: _Track, lines: Sequence[OcrReading]) -> OcrReading | None:
        """The line that goes on with the track: the same text nearest to its place, or misread."""
        place, key = self.place(track), letters(track.last)
        same = [
            line
            for line in lines
            if abs(line.box.top - place.top) <= _DRIFT
            and min(place.right, line.box.right) > max(place.left, line.box.left)
            and letters(line.text) == key
        ]
        if same:
            return min(same, key=lambda line: abs(line.box.top - place.top))
        for line in lines:
            if place.near(line.box) and alike(track.last, line.text) and self._stayed(track, line):
                return line
        return None

    def _stayed(self, track: _Track, *rivals: OcrReading) -> bool:
        """Whether the strokes are the same, surely so where a rival reads other digits.

        Of scrolling text the place is proof enough.
        """
        if self.scroll:
            return True
        known = digits(track.last)
        surely = any(digits(line.text) != known for line in rivals)
        greys = [frame.grey for frame in self.frames]
        return Strokes(track.box, self.before).stay(greys, surely=surely)

    def still_there(self, track: _Track, rest: Sequence[OcrReading]) -> bool:
        """Whether the reader only missed the line, or saw it in pieces."""
        place = self.place(track)
        rivals = [line for line in rest if place.near(line.box)]
        if not all(place.holds(line.box) for line in rivals):
            return False
        if not self.scroll:
            return self._stayed(track, *rivals)
        return any(letters(line.text) in letters(track.last) for line in rivals)

    def regrouped(self, track: _Track, line: OcrReading) -> bool:
        """Whether the track is a piece of a longer line that was now read as one."""
        return line.box.holds(self.place(track)) and letters(track.last) in letters(line.text)

    def appear(self, line: OcrReading, parts: Sequence[_Track]) -> _Track:
        """Begin a track where the line comes into view, or where its pieces did."""
        if not parts:
            return _Track(line, self.appearing(line.box), opens=False)
        start = min(track.start for track in parts)
        return _Track(line, start, opens=any(track.opens for track in parts))

    def vanishing(self, box: Box) -> float:
        """Time of the first frame without what the first sample shows in `box`."""
        index = None
        if not self.scroll:
            index = Strokes(box, self.before).fall([frame.grey for frame in self.frames])
        return self.frames[-1 if index is None else index].time

    def appearing(self, box: Box) -> float:
        """Time of the first frame with what the last sample shows in `box`."""
        if self.scroll:
            return self.frames[-1].time
        backwards = [frame.grey for frame in reversed(self.frames)]
        index = Strokes(box, self.after).fall(backwards)
        return self.frames[0 if index is None else len(backwards) - index].time
