"""The very pictures that an inspector was shown, found again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeGuard

from videoseal.core.errors import StoreError, VideoError
from videoseal.indexing.video_file import video_file
from videoseal.tools.frame_cache import find_frame, read_ref

if TYPE_CHECKING:
    from videoseal.graph.ledger import ShownFrame
    from videoseal.graph.resources import Resources

__all__ = ["decode_shown", "frame_again", "shown_pictures"]


class _Named(Protocol):
    """Whatever has the name of a frame."""

    @property
    def ref(self) -> str: ...


def shown_pictures(
    video_id: str, frames: Iterable[ShownFrame], resources: Resources
) -> dict[float, bytes]:
    """JPEG by time, in order of time: from the cache, or decoded again from the video.

    A frame that neither holds any more, or that comes out different, is left out.
    """
    found: dict[float, bytes] = {}
    missing: list[ShownFrame] = []
    for frame in frames:
        jpeg = find_frame(resources.cache, video_id, frame.ref)
        if _is(jpeg, frame):
            found[frame.time] = jpeg
        else:
            missing.append(frame)
    again = _decode_indexed(video_id, missing, resources) if missing else {}
    for frame in missing:
        if _is(jpeg := again.get(frame.ref), frame):
            found[frame.time] = jpeg
    return dict(sorted(found.items()))


def frame_again(video_id: str, ref: str, resources: Resources) -> bytes | None:
    """The JPEG of that name, from the cache or decoded again; None for one that is no name."""
    cached = find_frame(resources.cache, video_id, ref)
    if cached is not None or read_ref(ref) is None:
        return cached
    return _decode_indexed(video_id, [_Ref(ref)], resources).get(ref)


class _Ref:
    def __init__(self, ref: str) -> None:
        self.ref = ref


def decode_shown(path: Path, frames: Iterable[_Named]) -> dict[str, bytes]:
    """The frames as the video file has them now, JPEG by name and in the size that it says.

    What is no name, or no time at which the video has a frame, is left out. Raises VideoError.
    """
    from videoseal.core.frames import VideoReader

    sized: dict[tuple[int, int], dict[float, str]] = {}
    for frame in frames:
        if (read := read_ref(frame.ref)) is not None:
            sized.setdefault((read.side, read.quality), {})[read.time] = frame.ref
    found: dict[str, bytes] = {}
    with VideoReader(path) as reader:
        for (side, quality), refs in sized.items():
            times = sorted(refs)
            # Half a microsecond later is the same frame, also where its time was rounded down.
            pictures = reader.frames_at([time + 5e-7 for time in times])
            for time, picture in zip(times, pictures, strict=True):
                if round(picture.time, 6) == time:
                    found[refs[time]] = picture.jpeg(side, quality)
    return found


def _decode_indexed(
    video_id: str, frames: Iterable[_Named], resources: Resources
) -> dict[str, bytes]:
    try:
        return decode_shown(video_file(resources.store.video(video_id)), frames)
    except (VideoError, StoreError):
        return {}


def _is(jpeg: bytes | None, frame: ShownFrame) -> TypeGuard[bytes]:
    return jpeg is not None and hashlib.sha256(jpeg).hexdigest() == frame.sha256
