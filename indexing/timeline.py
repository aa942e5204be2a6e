"""Where second 0 of the presentation timeline lies on a container's own clock."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from videoseal.core.source import VideoSource
from videoseal.core.video import measure

__all__ = ["start_seconds"]


def start_seconds(video: Path) -> Fraction:
    """Container time of the first video frame, which sound and subtitles are shifted by.

    Raises what `core.video.probe` raises.
    """
    with VideoSource(video) as source:
        clock = measure(source).clock
    return clock.origin * clock.base
