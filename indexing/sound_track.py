"""Which of a file's sound tracks is heard."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import av
from av.stream import Disposition

from videoseal.core.container import open_container

__all__ = ["SoundTrack", "sound_track"]


class SoundTrack(NamedTuple):
    """Which of a file's sound tracks is heard."""

    number: int
    """From 1, as players count them."""
    tracks: int
    language: str
    asked: bool
    """Whether it is the one that was asked for, or none was."""

    @property
    def note(self) -> str:
        """What the user should know; empty where there is no choice."""
        if self.tracks < 2 and self.asked:
            return ""
        name = f"{self.number} ({self.language})" if self.language else str(self.number)
        missing = "" if self.asked else "there is no such sound track: "
        return (
            f"{missing}of {self.tracks} sound tracks number {name} is heard; --audio names another"
        )


def sound_track(video: Path, wanted: str = "") -> SoundTrack | None:
    """The track that `wanted` names by number or language, else the default one; None for none."""
    with open_container(video) as container:
        streams = list(container.streams.audio)
    if not streams:
        return None
    named = [
        place
        for place, stream in enumerate(streams, start=1)
        if wanted.lower() in (str(place), (stream.language or "").lower())
    ]
    flagged = [n for n, stream in enumerate(streams, start=1) if _is_default(stream)]
    number = (named or flagged or [1])[0] if wanted else (flagged or [1])[0]
    language = streams[number - 1].language or ""
    return SoundTrack(number, len(streams), language, bool(named) or not wanted)


def _is_default(stream: av.AudioStream) -> bool:
    return bool(stream.disposition & Disposition.default)
