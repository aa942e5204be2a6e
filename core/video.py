"""What a video file is: size, length on the presentation timeline, and identity."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, NamedTuple

import av

from videoseal.core.errors import EmptyVideo, UnreadableVideo
from videoseal.core.image import FrameShape
from videoseal.core.source import VideoSource, check_file, pts_of

__all__ = ["Clock", "Measured", "VideoInfo", "content_id", "measure", "probe", "start_seconds"]

_BLOCK: Final = 1 << 20
_MOST_UNDECODABLE: Final = 5000
_TOLERANCE: Final = Fraction(1, 1_000_000)
"""A time this much too early still means the frame: sums and microsecond stores round."""


class Clock(NamedTuple):
    """A stream's time base and the tick of its first frame, which is second 0."""

    origin: int
    """PTS of the first frame, in ticks."""
    base: Fraction
    """Seconds a tick."""

    def seconds(self, pts: int) -> float:
        """Presentation time of a tick, rounded once."""
        return self.span(pts - self.origin)

    def span(self, ticks: int) -> float:
        """Length of a number of ticks in seconds."""
        return ticks * self.base.numerator / self.base.denominator

    def tick(self, seconds: float) -> int:
        """The last tick that is not later than `seconds`, to within a microsecond."""
        return self.origin + math.floor((Fraction(seconds) + _TOLERANCE) / self.base)

    def tick_from(self, seconds: float) -> int:
        """The first tick that is not earlier than `seconds`, to within a microsecond."""
        return self.origin + math.ceil((Fraction(seconds) - _TOLERANCE) / self.base)


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """A video file as it is, not as its header claims."""

    path: Path
    duration: float
    """Seconds from the first frame to the end of the last one, measured from packets."""
    width: int
    """As shown: after rotation and with square pixels."""
    height: int
    rotation: int
    """Clockwise degrees that stored frames are turned by: 0, 90, 180 or 270."""
    fps: float
    """Frames a second on average; never a way to find a frame."""
    codec: str
    has_audio: bool
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What reading a file needs to know of it."""

    info: VideoInfo
    clock: Clock
    shape: FrameShape
    last: int
    """PTS of the last frame, in ticks."""
    skippable: bool
    """Whether leaving out frames that nothing refers to provably changes no other pixel."""


def probe(path: Path | str) -> VideoInfo:
    """Look at a file; reads its first frame and the packets at its end.

    Raises VideoNotFound, UnreadableVideo, NoVideoStream or EmptyVideo.
    """
    with VideoSource(Path(path)) as source:
        return measure(source).info


def start_seconds(video: Path) -> Fraction:
    """Container time of the first video frame, which sound and subtitles are shifted by.

    Raises what `probe` raises.
    """
    with VideoSource(video) as source:
        clock = measure(source).clock
    return clock.origin * clock.base


def content_id(path: Path | str) -> str:
    """`v` and 16 hex digits from size and content: the same on every machine, under any name.

    Raises VideoNotFound, UnreadableVideo or EmptyVideo.
    """
    size = check_file(Path(path))
    digest = hashlib.blake2b(f"{size}:".encode(), digest_size=8)
    try:
        with Path(path).open("rb", buffering=0) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise UnreadableVideo(f"cannot read {path}: {error.strerror}") from None
    return f"v{digest.hexdigest()}"


def measure(source: VideoSource) -> Measured:
    """Measure an opened file; it must be sent somewhere (`jump`) before it is read on."""
    first = _first_frame(source)
    context = source.stream.codec_context
    clock = Clock(pts_of(first), source.base)
    shape = FrameShape(
        context.width or first.width,
        context.height or first.height,
        aspect=source.stream.sample_aspect_ratio,
        rotation=-round(first.rotation / 90) * 90,
    )
    last, end = _counted_end(source) if source.counted else _end(source, pts_of(first))
    info = VideoInfo(
        path=source.path,
        duration=clock.seconds(end),
        width=shape.width,
        height=shape.height,
        rotation=shape.rotation,
        fps=float(source.rate),
        codec=source.codec,
        has_audio=source.has_audio,
        size_bytes=check_file(source.path),
    )
    plain = not (source.counted or first.interlaced_frame)
    return Measured(info, clock, shape, last, plain and _has_plain_references(source))


def _first_frame(source: VideoSource) -> av.VideoFrame:
    """The first frame that can be decoded, of a source that was just opened."""
    seen = 0
    for packet in itertools.islice(source.packets(), _MOST_UNDECODABLE):
        seen += 1
        for frame in source.decode(packet):
            return frame
    for frame in source.decode(None):
        return frame
    if seen == 0:
        raise EmptyVideo(f"{source.path} holds a video stream without a single frame")
    raise UnreadableVideo(f"no frame of {source.path} can be decoded")


def _end(source: VideoSource, first: int) -> tuple[int, int]:
    """PTS of the last frame, and the tick at which it ends."""
    a_frame = max(1, round(1 / source.rate / source.base))
    tick, back = source.claimed_end, round(1 / source.base)
    while True:
        at = source.key_before(tick)
        last, end = first, first + a_frame
        packet = source.jump(at)
        for later in itertools.chain([packet] if packet else [], source.packets()):
            if later.pts is not None and later.pts > last and not later.is_discard:
                last, end = later.pts, later.pts + (later.duration or a_frame)
        if last > first or at is None:
            return last, end
        tick, back = min(tick, at) - back, back * 2


def _counted_end(source: VideoSource) -> tuple[int, int]:
    source.rewind()
    count = sum(1 for _ in source.packets())
    return max(0, count - 1), max(1, count)


def _has_plain_references(source: VideoSource) -> bool:
    """Whether a frame marked as not referred to is referred to by no frame at all.

    H.264 marks it (nal_ref_idc 0) for the whole stream; HEVC only within a temporal layer, so
    there the stream must have a single one (ITU-T H.265, 7.4.2.2).
    """
    extra = source.stream.codec_context.extradata or b""
    if source.codec != "hevc":
        return source.codec == "h264"
    if extra[:1] == b"\x01" and len(extra) > 21:
        return extra[21] >> 3 & 7 == 1
    for start in re.finditer(b"\x00\x00\x01\x40", extra):
        fields = int.from_bytes(extra[start.end() + 1 : start.end() + 3], "big")
        return fields >> 1 & 7 == 0
    return False
