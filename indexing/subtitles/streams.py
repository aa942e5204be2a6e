"""Subtitles that FFmpeg takes apart: streams inside a video, and the rarer forms of files."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Final, NamedTuple

import av
from av.container import InputContainer
from av.subtitles.stream import SubtitleStream
from av.subtitles.subtitle import AssSubtitle

from videoseal.core.video import timeline
from videoseal.indexing.subtitles.cues import ParsedCues, RawCue, closed
from videoseal.indexing.subtitles.substation import script_text

__all__ = ["TextStream", "read_other", "text_streams"]

_TEXT_CODECS: Final = frozenset({"mov_text", "subrip", "srt", "ass", "ssa", "webvtt", "text"})
_FORMS: Final = "pjs,aqtitle,jacosub,mpsub,realtext,scc,stl,subviewer1"


class TextStream(NamedTuple):
    """One subtitle stream of a video."""

    name: str
    language: str
    parsed: ParsedCues


def text_streams(video: Path) -> list[TextStream]:
    """The text subtitle streams of a video, by one pass over its packets; [] when it has none."""
    with av.open(str(video), "r", metadata_errors="replace") as container:
        streams = [s for s in container.streams.subtitles if s.codec_context.name in _TEXT_CODECS]
        if not streams:
            return []
        found = {stream.index: ParsedCues([], []) for stream in streams}
        for index, cue in _cues(container, streams, timeline(video).origin):
            found[index].cues.append(cue)
        return [TextStream(f"stream {s.index}", s.language or "", found[s.index]) for s in streams]


def read_other(text: str) -> ParsedCues | None:
    """JACOsub, SCC, RealText and the like; None where the text is none of them."""
    wanted = {"format_whitelist": _FORMS}
    try:
        container = av.open(io.BytesIO(text.encode()), "r", options=wanted)
    except (av.FFmpegError, ValueError):
        return None
    with container:
        cues = [cue for _, cue in _cues(container, [*container.streams.subtitles])]
    known = [cue for cue in cues if cue.end > cue.start]
    endless = ((cue.place, cue.start, cue.text) for cue in cues if cue.end <= cue.start)
    return ParsedCues([*known, *closed(endless)], [])


def _cues(
    container: InputContainer, streams: list[SubtitleStream], origin: Fraction = Fraction(0)
) -> Iterator[tuple[int, RawCue]]:
    """What the packets say, in order, with the index of their stream."""
    for place, packet in enumerate(container.demux(streams), start=1):
        if packet.pts is None or not packet.size:
            continue
        base = packet.time_base or Fraction(1)
        start, length = packet.pts * base - origin, (packet.duration or 0) * base
        said: list[str] = []
        with suppress(av.FFmpegError):
            said += (
                script_text(rect.dialogue.decode("utf-8", "replace"))
                for rect in packet.decode()
                if isinstance(rect, AssSubtitle)
            )
        text = "\n".join(said)
        yield packet.stream_index, RawCue(place, float(start), float(start + length), text)
