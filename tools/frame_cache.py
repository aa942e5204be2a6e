"""Shown frames kept on disk as plain JPEG files, so that a second look costs no decoding.

A shown frame is recorded and served under a name that finds it here. A cache may fail in any way,
a full disk or a damaged file included, and only costs time by it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import threading
from pathlib import Path
from typing import Final, NamedTuple

from videoseal.core.files import write_whole
from videoseal.core.settings import Settings
from videoseal.models.types import Frame

__all__ = ["FrameCache", "FrameName", "find_frame", "frame_ref", "read_ref"]

_MICROSECONDS: Final = 1_000_000
_BLOCK: Final = 4096
_SWEEPS_PER_LIMIT: Final = 16
_KEPT_SHARE: Final = 0.9
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_REF: Final = re.compile(r"([0-9]{1,12})-([0-9]{2,4})-([0-9]{2,3})")
_VIDEO_ID: Final = re.compile(r"v[0-9a-f]{16}")


class FrameCache:
    """Frames by video, time, largest side and quality; safe for threads and processes.

    The least recently used go when the files outgrow the limit, looked at every sixteenth of it.
    """

    def __init__(self, root: Path, limit_mb: int) -> None:
        self._root = root
        self._limit = limit_mb << 20
        self._lock = threading.Lock()
        # More than any share of the limit, so that the first frame looks at what is there.
        self._unswept = self._limit

    @classmethod
    def of(cls, settings: Settings) -> FrameCache:
        """The cache in the data folder."""
        return cls(settings.data_dir / "frames", settings.frame_cache_mb)

    def get(self, video_id: str, time: float, *, side: int, quality: int) -> Frame | None:
        """The frame that was put for this time, in seconds, or whose own time it is."""
        if not self._limit:
            return None
        folder = self._folder(video_id, side, quality)
        stamp = _stamp(time)
        try:
            with contextlib.suppress(FileNotFoundError):
                stamp = int((folder / f"{stamp}.at").read_text("ascii"))
            path = folder / f"{stamp}.jpg"
            jpeg = path.read_bytes()
            if jpeg[:2] != b"\xff\xd8" or jpeg[-2:] != b"\xff\xd9":
                path.unlink()
                return None
            os.utime(path)
        except (OSError, ValueError):
            return None
        return Frame(stamp / _MICROSECONDS, jpeg)

    def put(self, video_id: str, time: float, frame: Frame, *, side: int, quality: int) -> None:
        """Keep the frame that is shown at `time`, in seconds; its own time may be earlier."""
        if not self._limit:
            return
        folder = self._folder(video_id, side, quality)
        asked, own = _stamp(time), _stamp(frame.time)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._write(folder / f"{own}.jpg", frame.jpeg)
            if asked != own:
                self._write(folder / f"{asked}.at", str(own).encode("ascii"))
            self._sweep_if_due()
        except OSError:
            return

    def forget(self, video_id: str) -> None:
        """Drop all frames of a video."""
        shutil.rmtree(self._root / _name(video_id), ignore_errors=True)

    def _folder(self, video_id: str, side: int, quality: int) -> Path:
        return self._root / _name(video_id) / f"{side}-{quality}"

    def _write(self, path: Path, data: bytes) -> None:
        write_whole(path, data)
        with self._lock:
            self._unswept += _on_disk(len(data))

    def _sweep_if_due(self) -> None:
        with self._lock:
            due = self._unswept * _SWEEPS_PER_LIMIT >= self._limit
            if due:
                self._unswept = 0
        if due:
            self._sweep()

    def _sweep(self) -> None:
        files: list[tuple[float, int, str]] = []
        for folder, _, names in os.walk(self._root):
            for name in names:
                path = os.path.join(folder, name)
                with contextlib.suppress(OSError):
                    found = os.stat(path)
                    files.append((found.st_mtime, _on_disk(found.st_size), path))
        total = sum(size for _, size, _ in files)
        if total <= self._limit:
            return
        for _, size, path in sorted(files):
            with contextlib.suppress(OSError):
                os.unlink(path)
            total -= size
            if total <= self._limit * _KEPT_SHARE:
                return


def frame_ref(time: float, settings: Settings) -> str:
    """The name of a frame as these settings show it: microseconds, largest side, quality."""
    return f"{_stamp(time)}-{settings.frame_side}-{settings.jpeg_quality}"


def find_frame(cache: FrameCache, video_id: str, ref: str) -> bytes | None:
    """The JPEG of that name; None for one that is no name, or that the cache no longer holds."""
    name = read_ref(ref)
    if name is None or not _VIDEO_ID.fullmatch(video_id):
        return None
    frame = cache.get(video_id, name.time, side=name.side, quality=name.quality)
    return frame.jpeg if frame is not None else None


class FrameName(NamedTuple):
    """What the name of a frame says."""

    time: float
    """Its own presentation time, in seconds."""
    side: int
    quality: int


def read_ref(ref: str) -> FrameName | None:
    """What a frame's name says; None for one that is no name."""
    parts = _REF.fullmatch(ref)
    if parts is None:
        return None
    stamp, side, quality = (int(part) for part in parts.groups())
    return FrameName(stamp / _MICROSECONDS, side, quality)


def _stamp(time: float) -> int:
    return round(time * _MICROSECONDS)


def _on_disk(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _name(video_id: str) -> str:
    """A folder name for any id, however hostile."""
    if _PLAIN.fullmatch(video_id):
        return video_id
    return hashlib.blake2b(video_id.encode("utf-8", "replace"), digest_size=16).hexdigest()
