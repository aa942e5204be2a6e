"""The file that holds an indexed video now."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from videoseal.core.container import check_file
from videoseal.core.errors import UnreadableVideo, VideoError, VideoNotFound
from videoseal.core.video import content_id
from videoseal.indexing.index_rows import VideoRow

__all__ = ["holds", "video_file"]

_CLOCKS_APART: Final = 2.0
"""Seconds that the clocks of the database and of the files may differ by."""


def video_file(video: VideoRow) -> Path:
    """The file of an indexed video: where it was, or in the same folder under another name.

    Raises VideoNotFound or UnreadableVideo when no file there has its content.
    """
    if holds(video.path, video):
        return video.path
    hint = "run: videoseal index FILE, where it is now"
    try:
        beside = sorted(video.path.parent.iterdir())
    except OSError:
        beside = []
    for path in beside:
        if path != video.path and holds(path, video):
            return path
    if video.path.exists():
        what = f"{video.path} is no longer the file that was indexed as {video.id}"
        raise UnreadableVideo(what, hint=hint)
    raise VideoNotFound(f"no file at {video.path}", hint=hint)


def holds(path: Path, video: VideoRow) -> bool:
    """Whether a file has the content of a video; read only where it may have changed since."""
    try:
        if check_file(path) != video.size_bytes:
            return False
        found = path.stat()
        changed = max(found.st_mtime, found.st_ctime)
        if path == video.path and changed < video.created.timestamp() - _CLOCKS_APART:
            return True
        return content_id(path) == video.id
    except (VideoError, OSError):
        return False
