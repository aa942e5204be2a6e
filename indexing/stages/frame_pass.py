"""One pass over the frames of a video that feeds every stage which looks at pictures.

The decoding thread takes small grey pictures of all frames, facts and caption frames; a few
workers read text in the sampled ones. A clip's result depends on the frames shown from its
start to its end and on nothing else, so a pass may begin at any clip and find the same.
"""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, NamedTuple, TypedDict

import numpy as np
import numpy.typing as npt

from videoseal.core.frames import VideoReader
from videoseal.core.image import Picture
from videoseal.core.settings import Settings
from videoseal.core.span import Span
from videoseal.indexing.clips import caption_times, sample_times
from videoseal.indexing.stages.change_detection import Grey, changed, flashes
from videoseal.indexing.stages.clip_stats import ClipFacts, Facts, colour_shares
from videoseal.indexing.stages.ocr_lines import OcrReading, readings_of
from videoseal.indexing.stages.text_tracker import TextSegment, TextTracker, TimedGrey
from videoseal.models.ocr.reader import TextReader
from videoseal.models.types import Frame

__all__ = ["ClipData", "ClipScan", "ClipScanner", "caption_frame"]

_GREY_SIDE: Final = 640
_TEXT_SIDE: Final = 1280
_COLOUR_SIDE: Final = 64
_MOST_WORKERS: Final = 4
_EPSILON: Final = 1e-6
_LOST: Final = 1.0


class ClipData(TypedDict):
    """What a pass finds out about one clip, as stored."""

    span: list[float]
    """Start and end in seconds; empty for a clip past the end of a damaged file."""
    facts: Facts | None
    segments: list[TextSegment]
    with_text: int
    """Pictures in which lines were found."""
    unread: int
    """Pictures with lines in a script that the reader does not know."""


class _PictureText(NamedTuple):
    lines: list[OcrReading]
    with_text: bool = False
    unread: bool = False


class ClipScan(NamedTuple):
    """One finished clip."""

    ordinal: int
    data: ClipData
    frames: list[Frame]
    """For a captioner that asked for them; else empty."""


class _Shown(NamedTuple):
    picture: Picture
    time: float
    end: float
    """When the next frame takes over; infinite for the last frame."""
    grey: Grey


class _Middle(NamedTuple):
    """The frame halfway between two samples."""

    shown: _Shown
    frames: int
    """How many frames of the interval lie up to it, itself included."""


class _Clip:
    """A clip in the making."""

    def __init__(self, ordinal: int, span: Span, settings: Settings, *, captioned: bool) -> None:
        self.ordinal, self.span = ordinal, span
        self.samples = deque(sample_times(span, settings.ocr_fps))
        self.wanted = deque(caption_times(span, settings.caption_fps) if captioned else [])
        self.facts = ClipFacts()
        self.frames: list[Frame] = []
        self.interval: list[TimedGrey] = []
        self.middle: _Middle | None = None
        self.sampled: Grey | None = None
        self.read_grey: Grey | None = None
        self.tracker: TextTracker | None = None
        self.with_text = self.unread = 0

    def due(self, times: deque[float], shown: _Shown) -> bool:
        """Whether a wanted moment falls on this frame; takes it off the list."""
        hit = False
        while times and times[0] < shown.end - _EPSILON:
            times.popleft()
            hit = True
        return hit

    def follow(self, frames: Sequence[TimedGrey], read: _PictureText | None) -> None:
        """Bring the tracker to the next sample; None for a picture that did not change."""
        lines = read.lines if read else None
        if read:
            self.with_text += read.with_text
            self.unread += read.unread
        if self.tracker is None:
            self.tracker = TextTracker(self.span.start, lines or [], frames[-1])
        elif lines is None:
            self.tracker.unchanged(frames[-1])
        else:
            self.tracker.advance(lines, frames)

    def finish(self, end: float) -> ClipScan:
        segments = self.tracker.finish(end) if self.tracker else []
        data = ClipData(
            span=[self.span.start, end],
            facts=self.facts.finish(),
            segments=segments,
            with_text=self.with_text,
            unread=self.unread,
        )
        return ClipScan(self.ordinal, data, self.frames)


class _Work(NamedTuple):
    """A step of a clip that may have to wait for the text reader."""

    clip: _Clip
    frames: list[TimedGrey]
    lines: Future[_PictureText] | None
    end: float | None
    """Set on the clip's last step."""


class _Read(NamedTuple):
    """What the workers were asked about one frame; two clips share the frame between them."""

    time: float
    lines: Future[_PictureText] | None
    colours: dict[str, float]


class ClipScanner:
    """Runs passes over one open video; iterate `clips`."""

    def __init__(self, reader: VideoReader, settings: Settings, text: TextReader | None) -> None:
        self._reader, self._settings, self._text = reader, settings, text
        info = reader.info
        scale = min(1.0, _GREY_SIDE / max(info.width, info.height))
        self._grey = (max(8, round(info.width * scale)), max(8, round(info.height * scale)))
        self._half = 0.5 / settings.ocr_fps
        self._workers = min(_MOST_WORKERS, os.cpu_count() or 1)
        self._work: deque[_Work] = deque()
        self._read: _Read | None = None

    def clips(
        self, todo: Sequence[tuple[int, Span]], captioned: Collection[int] = ()
    ) -> Iterator[ClipScan]:
        """Scan neighbouring clips in order, each frame decoded once.

        `captioned` are the ordinals whose caption frames are wanted. A clip without frames,
        past the end of a damaged file, comes with an empty span.
        """
        waiting = deque(
            _Clip(ordinal, span, self._settings, captioned=ordinal in captioned)
            for ordinal, span in todo
        )
        with ThreadPoolExecutor(self._workers, thread_name_prefix="text") as pool:
            for shown in self._shown(todo[0][1].start):
                self._feed(waiting, shown, pool)
                yield from self._drain(3 * self._workers)
                if not waiting:
                    break
            yield from self._drain(0)
        for clip in waiting:
            nothing = ClipData(span=[], facts=None, segments=[], with_text=0, unread=0)
            yield ClipScan(clip.ordinal, nothing, [])

    def _shown(self, start: float) -> Iterator[_Shown]:
        """The frames shown from `start` on, each with the time of the next one."""
        # Two frames early, because the reader may round the start differently.
        early = max(0.0, start - 2 / max(1.0, self._reader.info.fps))
        previous: Picture | None = None
        for picture in self._reader.scan(early):
            if previous is not None and picture.time > start + _EPSILON:
                yield self._show(previous, picture.time)
            previous = picture
        if previous is not None:
            yield self._show(previous, math.inf)

    def _show(self, picture: Picture, end: float) -> _Shown:
        return _Shown(picture, picture.time, end, picture.gray(*self._grey))

    def _feed(self, waiting: deque[_Clip], shown: _Shown, pool: ThreadPoolExecutor) -> None:
        """Give a frame to every clip in which it is shown."""
        while waiting:
            clip, end = waiting[0], waiting[0].span.end
            if shown.end == math.inf:
                own_end = shown.time + shown.picture.duration
                if own_end <= clip.span.start + _EPSILON:
                    return
                if own_end + _LOST < end:
                    clip.samples, end = deque([shown.time]), own_end
            clip.facts.frame(shown.time, shown.grey)
            clip.interval.append(TimedGrey(shown.time, shown.grey))
            if clip.samples and shown.time <= clip.samples[0] - self._half < shown.end:
                clip.middle = _Middle(shown, len(clip.interval))
            if clip.due(clip.wanted, shown):
                clip.frames.append(caption_frame(shown.picture, self._settings))
            if clip.due(clip.samples, shown):
                self._sample(clip, shown, pool, end)
            if clip.samples:
                return
            waiting.popleft()

    def _sample(self, clip: _Clip, shown: _Shown, pool: ThreadPoolExecutor, end: float) -> None:
        """Hand the frame to the text reader, unless it shows what the last one read showed."""
        frames = self._flash(clip, shown, pool)
        closing = not clip.samples
        fresh = closing or clip.read_grey is None or changed(clip.read_grey, shown.grey)
        read = self._ask(shown, pool) if fresh else None
        clip.facts.sample(shown.time, read.colours if read else None)
        if read:
            clip.read_grey = shown.grey
        if self._text is None:
            frames = []
        elif read is None:
            frames = frames[-1:]
        lines = read.lines if read else None
        self._work.append(_Work(clip, frames, lines, end if closing else None))

    def _flash(self, clip: _Clip, shown: _Shown, pool: ThreadPoolExecutor) -> list[TimedGrey]:
        """The frames of the interval, after the middle one was read where it alone shows a text."""
        frames, middle, before = clip.interval, clip.middle, clip.sampled
        clip.interval, clip.middle, clip.sampled = [], None, shown.grey
        if self._text is None or middle is None or before is None:
            return frames
        if not flashes(before, middle.shown.grey, shown.grey):
            return frames
        lines = self._ask(middle.shown, pool).lines
        self._work.append(_Work(clip, frames[: middle.frames], lines, None))
        clip.read_grey = middle.shown.grey
        return frames[middle.frames :]

    def _ask(self, shown: _Shown, pool: ThreadPoolExecutor) -> _Read:
        if self._read is None or self._read.time != shown.time:
            rgb = shown.picture.rgb(_COLOUR_SIDE if self._text is None else _TEXT_SIDE)
            lines = None if self._text is None else pool.submit(_read_lines, self._text, rgb)
            self._read = _Read(shown.time, lines, colour_shares(rgb))
        return self._read

    def _drain(self, limit: int) -> Iterator[ClipScan]:
        """Follow the text through all steps that are read, and wait while over `limit` are not."""
        while self._work:
            clip, frames, lines, end = self._work[0]
            if lines is not None and not lines.done() and len(self._work) <= limit:
                return
            self._work.popleft()
            if frames:
                clip.follow(frames, lines.result() if lines else None)
            if end is not None:
                yield clip.finish(end)


def caption_frame(picture: Picture, settings: Settings) -> Frame:
    """A frame as a captioner is shown it."""
    return Frame(picture.time, picture.jpeg(settings.frame_side, settings.jpeg_quality))


def _read_lines(text: TextReader, rgb: npt.NDArray[np.uint8]) -> _PictureText:
    height, width = rgb.shape[:2]
    lines = text.read(rgb)
    unread = any(line.unread for line in lines)
    return _PictureText(readings_of(lines, width, height), bool(lines), unread)
