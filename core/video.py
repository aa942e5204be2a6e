"""What a video file is: size, length on the presentation timeline, and identity."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

import av

from videoseal.core.container import check_file, open_container
from videoseal.core.errors import EmptyVideo, UnreadableVideo
from videoseal.core.image import FrameShape
from videoseal.core.source import VideoSource, pts_of

__all__ = [
    "Clock", "Measured", "Timeline", "VideoInfo", "content_id", "measure", "probe", "timeline",
]  # fmt: skip

_BLOCK: Final = 1 << 20
_CLAIMING: Final = ("matroska", "avi", "flv")
"""Containers that say at their start how long they are."""
_MISSING: Final = 1
"""Seconds that must be missing before a file is called cut short."""
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


class Timeline(NamedTuple):
    """The timeline of a file's pictures, as its other streams see it."""

    origin: Fraction
    """The file's own time of the first frame, in seconds."""
    restarts: bool
    """Whether the clock of the file may start again."""


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
    lead: float = 0.0
    """Seconds that sound or subtitles of the file begin before its first frame."""
    promised: float = 0.0
    """Seconds that the file would last if it were not cut short; 0 where it is not."""


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


def timeline(video: Path) -> Timeline:
    """What sound and subtitles of a file need to lie on the timeline of its pictures.

    Raises what `probe` raises.
    """
    with VideoSource(video) as source:
        clock = measure(source).clock
        return Timeline(clock.origin * clock.base, source.restarts)


def content_id(path: Path | str) -> str:
    """`v` and 16 hex digits from size and content: the same on every machine, under any name.

    A file that has not changed is read once. Raises VideoNotFound, UnreadableVideo or EmptyVideo.
    """
    check_file(Path(path))
    found = Path(path).stat()
    return _hashed(
        Path(path).absolute(),
        (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns),
    )


@lru_cache(maxsize=256)
def _hashed(path: Path, state: tuple[int, ...]) -> str:
    """The id of a file's content; `state` is another one as soon as the file is."""
    digest = hashlib.blake2b(f"{state[2]}:".encode(), digest_size=8)
    try:
        with path.open("rb", buffering=0) as file:
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
    last, end = source.number() if source.counted else _end(source, pts_of(first))
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
        lead=_lead(source, clock),
        promised=_promised(source, clock, end),
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


def _lead(source: VideoSource, clock: Clock) -> float:
    start = source.container.start_time
    if source.counted or start is None:
        return 0.0
    return max(0.0, float(clock.origin * clock.base - Fraction(start, 1_000_000)))


def _promised(source: VideoSource, clock: Clock, end: int) -> float:
    """How long the file says that it is, where that is more than all that it holds; else 0."""
    form = source.container.format.name
    if form.startswith("mov"):
        entries = source.stream.index_entries
        last = entries[len(entries) - 1] if len(entries) else None
        if last is None or last.pos + last.size <= source.path.stat().st_size:
            return 0.0
        return clock.seconds(last.timestamp)
    claimed = Fraction(source.container.duration or 0, 1_000_000)
    if form == "avi":
        claimed = source.stream.frames * source.base
    if not form.startswith(_CLAIMING) or claimed < end * clock.base + _MISSING:
        return 0.0
    held = Fraction(0)
    with open_container(source.path) as container, suppress(av.FFmpegError, OSError):
        container.seek(int(end * clock.base * 1_000_000))
        for packet in container.demux():
            if packet.pts is not None and packet.time_base:
                held = max(held, (packet.pts + (packet.duration or 0)) * packet.time_base)
    cut = claimed >= held + _MISSING
    return float(claimed - clock.origin * clock.base) if cut else 0.0


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
