"""Names under which shown frames are recorded and served."""

from __future__ import annotations

import re
from typing import Final

from videoseal.core.settings import Settings
from videoseal.tools.frame_cache import FrameCache

__all__ = ["find_frame", "frame_ref"]

_REF: Final = re.compile(r"([0-9]{1,12})-([0-9]{2,4})-([0-9]{2,3})")
_VIDEO_ID: Final = re.compile(r"v[0-9a-f]{16}")


def frame_ref(time: float, settings: Settings) -> str:
    """The name of a frame as these settings show it: microseconds, largest side, quality."""
    return f"{round(time * 1_000_000)}-{settings.frame_side}-{settings.jpeg_quality}"


def find_frame(cache: FrameCache, video_id: str, ref: str) -> bytes | None:
    """The JPEG of that name; None for one that is no name, or that the cache no longer holds."""
    parts = _REF.fullmatch(ref)
    if parts is None or not _VIDEO_ID.fullmatch(video_id):
        return None
    stamp, side, quality = (int(part) for part in parts.groups())
    frame = cache.get(video_id, stamp / 1_000_000, side=side, quality=quality)
    return frame.jpeg if frame is not None else None
