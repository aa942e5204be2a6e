"""Exact frames by presentation time, decoding no more than they need.

The frame at `t` is the last one whose PTS is not later than `t`. Targets are grouped by the
keyframe they hang on; each group is entered by one jump and left at its last target. In between,
frames that neither are wanted nor are referred to are not decoded, where that provably changes no
pixel.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import av

from videoseal.core.decode_groups import DecodedFrame, Run, decode_all, group, serve
from videoseal.core.image import Picture, Scaler
from videoseal.core.ordered_map import in_order
from videoseal.core.source import VideoSource, pts_of
from videoseal.core.video import VideoInfo, measure

__all__ = ["VideoReader"]


class VideoReader:
    """Reads frames of one video by time; opening it raises what `core.video.probe` raises.

    Several iterations may be open at once, but the reader belongs to one thread.
    """

    def __init__(self, path: Path | str) -> None:
        source = VideoSource(Path(path))
        try:
            self._measured = measure(source)
        except BaseException:
            source.close()
            raise
        self._first = source
        self._idle: deque[VideoSource] = deque([source])
        self._scaler = Scaler()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give files and decoders back."""
        while self._idle:
            self._idle.pop().close()

    @property
    def info(self) -> VideoInfo:
        """What the file is."""
        return self._measured.info

    def frames_at(self, times: Sequence[float], *, workers: int = 1) -> Iterator[Picture]:
        """One picture for each time, in ascending order of time, whatever order was given.

        Times before the first frame give the first, times after the end the last that can be
        decoded. `workers` decode groups of pictures side by side. Raises ValueError for NaN, and
        UnreadableVideo when nothing at or before a time can be decoded.
        """
        if any(math.isnan(time) for time in times):
            raise ValueError("a time is not a number")
        clock, last = self._measured.clock, self._measured.last
        duration = self.info.duration
        wanted = [clock.tick(min(max(time, 0.0), duration)) for time in sorted(times)]
        wanted = [min(tick, last) for tick in wanted]
        found = self._find(sorted(set(wanted)), workers)
        shown: DecodedFrame | None = None
        picture: Picture | None = None
        for tick in wanted:
            if picture is None or shown is None or shown.tick != tick:
                before, shown = shown, next(found)
                if picture is None or before is None or before.frame is not shown.frame:
                    picture = self._picture(shown.frame, shown.length)
            yield picture

    def sample(self, fps: float, start: float = 0.0, end: float | None = None) -> Iterator[Picture]:
        """The frames at `start`, `start + 1 / fps`, ... before `end`, as fast as may be.

        Raises ValueError unless `fps` is above 0.
        """
        if not fps > 0:
            raise ValueError(f"frames a second must be above 0, not {fps}")
        stop = self.info.duration if end is None else min(end, self.info.duration)
        count = max(0, math.ceil((stop - start) * fps - 1e-9))
        return self.frames_at([start + index / fps for index in range(count)], workers=2)

    def scan(self, start: float = 0.0, end: float | None = None) -> Iterator[Picture]:
        """Every frame from the one shown at `start`, in order, up to those due at `end`."""
        clock = self._measured.clock
        first = min(clock.tick(max(start, 0.0)), self._measured.last)
        stop = math.inf if end is None or math.isinf(end) else clock.tick_from(end)
        with VideoSource(self.info.path, threads=2, like=self._first) as source:
            at = source.key_before(first) if start > 0 else None
            before: av.VideoFrame | None = None
            for frame in decode_all(source, at):
                if before is not None and pts_of(frame) > first:
                    if pts_of(before) >= stop:
                        return
                    yield self._picture(before, pts_of(frame) - pts_of(before))
                before = frame
            if before is not None and pts_of(before) < stop:
                yield self._picture(before, 0)

    def _picture(self, frame: av.VideoFrame, length: int) -> Picture:
        clock = self._measured.clock
        # Without a successor only the packet's own claim is left.
        ticks = length or frame.duration
        return Picture(
            frame,
            time=clock.seconds(pts_of(frame)),
            duration=clock.span(ticks) if ticks else 1 / self.info.fps,
            shape=self._measured.shape,
            scaler=self._scaler,
        )

    def _find(self, ticks: list[int], workers: int) -> Iterator[DecodedFrame]:
        source = self._take()
        try:
            runs = list(group(source, ticks))
            if workers < 2 or len(runs) < 2:
                for run in runs:
                    yield from serve(source, run, skip=self._measured.skippable)
                return
        finally:
            self._idle.append(source)
        yield from in_order(runs, self._serve_alone, workers=min(workers, len(runs)))

    def _take(self) -> VideoSource:
        try:
            return self._idle.pop()
        except IndexError:
            return VideoSource(self.info.path, like=self._first)

    def _serve_alone(self, run: Run) -> Iterator[DecodedFrame]:
        source = self._take()
        try:
            yield from serve(source, run, skip=self._measured.skippable)
        finally:
            self._idle.append(source)
