"""Which frames of some spans are looked at, and those frames."""

from __future__ import annotations

import heapq
import math
import threading
from collections.abc import Sequence

from videoseal.core.errors import SpanError
from videoseal.core.frames import VideoReader
from videoseal.core.image import Picture
from videoseal.core.settings import Settings
from videoseal.core.span import Span, merge_spans
from videoseal.indexing.index_rows import VideoRow
from videoseal.indexing.video_file import video_file
from videoseal.models.types import Frame
from videoseal.tools.frame_cache import FrameCache

__all__ = ["choose_times", "show_frames"]


def choose_times(
    spans: Sequence[Span], max_frames: int, fps: float, duration: float
) -> list[float]:
    """At most `max_frames` times in seconds, spread over the whole of every span, ascending.

    Overlapping spans count once, and what lies after `duration` not at all. Each span is cut into
    equal slots no longer than `1 / fps` and looked at in their middles. When the budget is short,
    the longest slots of all spans are kept as short as they can be, with at least one a span; with
    more spans than frames, the frames are spread evenly over the spans laid end to end.
    """
    merged = merge_spans(span.within(duration) for span in spans if span.start < duration)
    if max_frames <= 0 or not merged:
        return []
    if len(merged) > max_frames:
        return _end_to_end(merged, max_frames)
    slots = _share_out([span.duration for span in merged], max_frames, fps)
    return [
        span.start + (index + 0.5) * span.duration / count
        for span, count in zip(merged, slots, strict=True)
        for index in range(count)
    ]


def show_frames(
    video: VideoRow,
    spans: Sequence[Span],
    *,
    max_frames: int,
    fps: float = 2.0,
    settings: Settings,
    cache: FrameCache,
    stop: threading.Event | None = None,
) -> list[Frame]:
    """The frames of some spans with their own times to the microsecond, each once, in order.

    Decoding ends with those that it has once `stop` is set: nobody waits for them any more.
    Raises SpanError when nothing of the spans lies inside the video; VideoNotFound or
    UnreadableVideo when the file is gone or is not the one that was indexed.
    """
    file = video_file(video)
    if not spans:
        raise SpanError("there is no span to inspect")
    if all(span.start >= video.duration for span in spans):
        spans[0].within(video.duration)
    look = {"side": settings.frame_side, "quality": settings.jpeg_quality}
    times = choose_times(spans, max_frames, fps, video.duration)
    kept = {time: cache.get(video.id, time, **look) for time in times}
    shown = {frame.time: frame for frame in kept.values() if frame is not None}
    missing = [time for time, frame in kept.items() if frame is None]
    if missing:
        with VideoReader(file) as reader:
            for time, picture in zip(missing, reader.frames_at(missing, workers=2), strict=True):
                frame = shown.get(round(picture.time, 6)) or _encode(picture, settings)
                shown[frame.time] = frame
                cache.put(video.id, time, frame, **look)
                if stop is not None and stop.is_set():
                    break
    return [shown[time] for time in sorted(shown)]


def _encode(picture: Picture, settings: Settings) -> Frame:
    jpeg = picture.jpeg(settings.frame_side, settings.jpeg_quality)
    return Frame(round(picture.time, 6), jpeg)


def _share_out(lengths: Sequence[float], max_frames: int, fps: float) -> list[int]:
    """How many slots each length is cut into: the longest slot is cut first."""
    counts = [1] * len(lengths)
    wanted = [math.ceil(length * fps - 1e-9) for length in lengths]
    if sum(max(1, want) for want in wanted) <= max_frames:
        return [max(1, want) for want in wanted]
    longest = [(-length, place) for place, length in enumerate(lengths) if wanted[place] > 1]
    heapq.heapify(longest)
    for _ in range(max_frames - len(lengths)):
        _, place = heapq.heappop(longest)
        counts[place] += 1
        if counts[place] < wanted[place]:
            heapq.heappush(longest, (-lengths[place] / counts[place], place))
    return counts


def _end_to_end(spans: Sequence[Span], max_frames: int) -> list[float]:
    """The middles of equal slots over the spans laid end to end."""
    slot = sum(span.duration for span in spans) / max_frames
    times: list[float] = []
    passed = 0.0
    for span in spans:
        while (
            len(times) < max_frames and (at := (len(times) + 0.5) * slot) < passed + span.duration
        ):
            times.append(span.start + at - passed)
        passed += span.duration
    return times
