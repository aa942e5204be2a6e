"""The very pictures that an inspector was shown, found again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeGuard

from videoseal.core.errors import StoreError, VideoError
from videoseal.tools.frame_cache import find_frame, frame_ref, time_of_ref

if TYPE_CHECKING:
    from videoseal.graph.ledger import ShownFrame
    from videoseal.graph.resources import Resources

__all__ = ["frame_again", "shown_pictures"]


def shown_pictures(
    video_id: str, frames: Iterable[ShownFrame], resources: Resources
) -> dict[float, bytes]:
    """JPEG by time, in order of time: from the cache, or decoded again from the video.

    A frame that neither holds any more, or that comes out different, is left out.
    """
    found: dict[float, bytes] = {}
    missing: dict[float, ShownFrame] = {}
    for frame in frames:
        jpeg = find_frame(resources.cache, video_id, frame.ref)
        if _is(jpeg, frame):
            found[frame.time] = jpeg
        else:
            missing[frame.time] = frame
    if missing:
        again = _decode(video_id, sorted(missing), resources)
        found.update({time: jpeg for time, jpeg in again.items() if _is(jpeg, missing[time])})
    return dict(sorted(found.items()))


def frame_again(video_id: str, ref: str, resources: Resources) -> bytes | None:
    """The JPEG of that name, from the cache or decoded again; None for one that is no name.

    One that was shown at another size than the present settings make is only in the cache.
    """
    cached = find_frame(resources.cache, video_id, ref)
    time = time_of_ref(ref)
    if cached is not None or time is None or ref != frame_ref(time, resources.settings):
        return cached
    return _decode(video_id, [time], resources).get(time)


def _is(jpeg: bytes | None, frame: ShownFrame) -> TypeGuard[bytes]:
    return jpeg is not None and hashlib.sha256(jpeg).hexdigest() == frame.sha256


def _decode(video_id: str, times: list[float], resources: Resources) -> dict[float, bytes]:
    """Frames that the video file has at just these times, as JPEG; none where it is gone."""
    from videoseal.core.frames import VideoReader

    side, quality = resources.settings.frame_side, resources.settings.jpeg_quality
    # Half a microsecond later is the same frame, also where its time was rounded down.
    wanted = [time + 5e-7 for time in times]
    try:
        with VideoReader(resources.store.video(video_id).path) as reader:
            pictures = reader.frames_at(wanted)
            return {
                time: picture.jpeg(side, quality)
                for time, picture in zip(times, pictures, strict=True)
                if round(picture.time, 6) == time
            }
    except (VideoError, StoreError):
        return {}
