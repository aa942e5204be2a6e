"""Small pictures of shown frames, carried inside the page until its budget is spent."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Final

from videoseal.graph.proof.answer_html import thumbnail
from videoseal.tools.frame_cache import FrameCache, find_frame

__all__ = ["THUMBNAIL_SIDE", "Thumbnails"]

THUMBNAIL_SIDE: Final = 240
_QUALITY: Final = 62
_ANY_LIMIT_MB: Final = 1 << 20
"""Reading never sweeps the cache, so its limit does not matter here."""


class Thumbnails:
    """Shrunk frames of a frame cache as data URIs, at most `budget` bytes of them."""

    def __init__(self, root: Path, budget: int) -> None:
        self._cache = FrameCache(root, _ANY_LIMIT_MB)
        self._left = budget
        self.refused = 0
        """Frames left out because the budget was spent."""
        self.missing = 0
        """Frames that the cache no longer holds."""

    def picture(self, video_id: str, ref: str) -> str | None:
        """The frame as a data URI; None when it is not there or does not fit any more."""
        if self._left <= 0:
            self.refused += 1
            return None
        jpeg = find_frame(self._cache, video_id, ref)
        small = None if jpeg is None else thumbnail(jpeg, THUMBNAIL_SIDE, _QUALITY)
        if small is None:
            self.missing += 1
            return None
        encoded = base64.b64encode(small).decode("ascii")
        self._left -= len(encoded)
        return f"data:image/jpeg;base64,{encoded}"
