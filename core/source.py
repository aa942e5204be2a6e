"""One opened video file: packets in, frames out, and jumps to keyframes.

Nothing here knows what is wanted; `core.frames` does.
"""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final, Self

import av
from av.container import InputContainer
from av.stream import Discard, Disposition

from videoseal.core.errors import EmptyVideo, NoVideoStream, UnreadableVideo, VideoNotFound

__all__ = ["VideoSource", "check_file", "pts_of"]

_INDEXED: Final = ("mov", "matroska", "avi", "flv")
"""Containers whose index names keyframes; MPEG-TS marks any position as one."""
_FORMATS: Final = (
    "mov,matroska,webm,avi,flv,mpegts,mpeg,mpegvideo,h264,hevc,av1,obu,ivf,m4v,asf,ogg,mxf,nut,"
    "wtv,rm,gxf,yuv4mpegpipe,vc1,dv,gif,wav,mp3,flac,aac,ac3,amr,aiff,w64,caf"
)
"""What may be opened: no playlists (they open other files), no pictures, no text as video."""
_MAX_FAILED_READS: Final = 64
_FAR_US: Final = 100 * 3600 * 1_000_000


def check_file(path: Path) -> int:
    """The size in bytes of a file that can be read.

    Raises VideoNotFound, UnreadableVideo (folder, device, no permission) and EmptyVideo.
    """
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise UnreadableVideo(f"{path} is a folder, not a video file")
        if not stat.S_ISREG(found.st_mode):
            raise UnreadableVideo(f"{path} is not a regular file")
        path.open("rb").close()
    except (FileNotFoundError, NotADirectoryError):
        raise VideoNotFound(f"no file at {path}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnreadableVideo(f"cannot read {path}: {reason}") from None
    if found.st_size == 0:
        raise EmptyVideo(f"{path} is an empty file")
    return found.st_size


class VideoSource:
    """An open container with its one video stream and a decoder; not for several threads at once.

    Ticks are the stream's own PTS. Where a file carries no trustworthy PTS (raw streams, AVI with
    B-frames) `counted` is set: frames are then numbered in output order, one tick each, and only
    reading from the start gives true times.
    """

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        self.path = path
        self._threads = threads
        check_file(path)
        self._open()
        stream = self.stream
        context = stream.codec_context
        self.codec = context.name
        name = self._container.format.name
        self.counted = stream.start_time is None or (name == "avi" and context.has_b_frames)
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        rate = stream.guessed_rate or rate if self.counted else rate
        self.rate: Fraction = rate if 0 < rate <= 1000 else Fraction(25)
        self.base: Fraction = 1 / self.rate if self.counted else stream.time_base or Fraction(1)
        self.has_audio = bool(self._container.streams.audio)
        self._indexed = name.startswith(_INDEXED)
        # After a jump into an MPEG program stream PTS are guessed until the next one comes by.
        self._linear = self.counted or name == "mpeg"
        self._reorder = context.reorder_depth
        # The ticks that hang on the keyframe that was looked up last.
        self._group: tuple[int, float] = (0, -math.inf)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the file and the decoder back."""
        self._container.close()

    def _open(self) -> None:
        # The prefix keeps a colon in a name from being read as a protocol.
        url = f"file:{os.fspath(self.path.absolute())}"
        options = {"protocol_whitelist": "file", "format_whitelist": _FORMATS}
        try:
            container = av.open(url, "r", container_options=options, metadata_errors="replace")
        except (av.FFmpegError, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UnreadableVideo(f"{self.path} cannot be read as a video ({reason})") from None
        try:
            self.stream = self._choose(container)
        except BaseException:
            container.close()
            raise
        self._container = container
        self._count = 0

    def _choose(self, container: InputContainer) -> av.VideoStream:
        """The first stream of moving pictures; covers of music files are none."""
        for stream in container.streams.video:
            if stream.disposition & (Disposition.attached_pic | Disposition.still_image):
                continue
            try:
                context = stream.codec_context
            except (AttributeError, RuntimeError):
                context = None
            if context is None:
                raise UnreadableVideo(f"{self.path} is in a format that cannot be decoded")
            for other in container.streams:
                if other.index != stream.index:
                    other.discard = Discard.all
            context.thread_count = self._threads
            context.thread_type = "FRAME" if self._threads > 1 else "NONE"
            return stream
        raise NoVideoStream(f"{self.path} holds no video stream")

    def rewind(self) -> None:
        """Start over at the first packet, whether or not the format can seek."""
        self._container.close()
        self._open()

    def packets(self) -> Iterator[av.Packet[av.VideoStream]]:
        """Packets from here on in decoding order; damage is stepped over, the end just ends.

        The half packet at the end of a file that was cut off is left out.
        """
        held: av.Packet[av.VideoStream] | None = None
        for packet in self._read():
            if held is not None:
                yield held
                held = None
            if packet.is_corrupt:
                held = packet
            else:
                yield packet

    def _read(self) -> Iterator[av.Packet[av.VideoStream]]:
        failures = 0
        while failures < _MAX_FAILED_READS:
            try:
                for packet in self._container.demux(self.stream):
                    if packet.size == 0 and packet.dts is None:
                        return
                    failures = 0
                    yield packet
                return
            except (av.FFmpegError, OSError):
                failures += 1

    def decode(self, packet: av.Packet[av.VideoStream] | None) -> list[av.VideoFrame]:
        """The frames that come out when `packet` goes in, in presentation order.

        None drains the decoder, after which only a jump makes it usable again. What the decoder
        itself calls corrupt is left out: a picture made up from its neighbours proves nothing.
        """
        try:
            frames = self.stream.codec_context.decode(packet)
        except (av.FFmpegError, OSError):
            return []
        if self.counted:
            for frame in frames:
                frame.pts, self._count = self._count, self._count + 1
        return [frame for frame in frames if frame.pts is not None and not frame.is_corrupt]

    @property
    def claimed_end(self) -> int:
        """Where the file says that it ends, in ticks; far off where it says nothing."""
        seconds = Fraction(self._container.duration or _FAR_US, 1_000_000)
        return (self.stream.start_time or 0) + round(seconds / self.base)

    def skip_unreferenced(self, skip: bool) -> None:
        """Whether the next packets may be dropped where no other frame refers to them."""
        self.stream.codec_context.skip_frame = "NONREF" if skip else "DEFAULT"

    def jump(self, at: int | None) -> av.Packet[av.VideoStream] | None:
        """Go to the keyframe at or before tick `at` (None: the start) and read it.

        Returns None when no keyframe follows.
        """
        if at is None or self._linear:
            self.rewind()
        else:
            try:
                self._container.seek(at, stream=self.stream)
            except (av.FFmpegError, OSError):
                self.rewind()
        # A flush makes the decoder forget how deep frames are reordered, and then drop some.
        self.stream.codec_context.reorder_depth = self._reorder
        return next((packet for packet in self.packets() if packet.is_keyframe), None)

    @property
    def indexed(self) -> bool:
        """Whether `key_before` names single keyframes at little cost."""
        return self._indexed and not self._linear

    def key_before(self, tick: int) -> int | None:
        """Where to jump to for decoding the frame shown at `tick`; None is the start."""
        if self._linear:
            return None
        start, end = self._group
        if start <= tick < end:
            return start
        at, back = tick, round(1 / self.base)
        while at >= (self.stream.start_time or 0):
            packet = self.jump(at)
            if packet is not None and packet.pts is not None and packet.pts <= tick:
                if not self._indexed:
                    return at
                self._group = packet.pts, self._next_key(packet)
                return packet.pts
            at, back = at - back, back * 2
        return None

    def _next_key(self, key: av.Packet[av.VideoStream]) -> float:
        """A tick before which no later keyframe is shown."""
        entries = self.stream.index_entries
        here = key.pts if key.dts is None else key.dts
        following = entries.search_timestamp((here or 0) + 1, backward=False)
        return entries[following].timestamp if following >= 0 else math.inf


def pts_of(frame: av.VideoFrame) -> int:
    """The PTS of a frame that came from `VideoSource.decode`, in ticks."""
    assert frame.pts is not None, "decode lets no frame without PTS through"
    return frame.pts
