"""Opening a file as a video and as nothing else, and choosing its film among its streams."""

from __future__ import annotations

import itertools
import os
import stat
import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from av.container import InputContainer
from av.stream import Disposition

from videoseal.core.errors import EmptyVideo, NoVideoStream, UnreadableVideo, VideoNotFound

__all__ = ["INPUT_OPTIONS", "check_file", "open_container", "open_film"]

_FORMATS: Final = (
    "mov,matroska,webm,avi,flv,mpegts,mpeg,mpegvideo,h264,hevc,av1,obu,ivf,m4v,asf,ogg,mxf,nut,"
    "wtv,rm,gxf,yuv4mpegpipe,vc1,dv,gif,wav,mp3,flac,aac,ac3,amr,aiff,w64,caf"
)
"""What may be opened: no playlists (they open other files), no pictures, no text as video."""
INPUT_OPTIONS: Final = {"protocol_whitelist": "file", "format_whitelist": _FORMATS}
"""What ffmpeg is told with every file that it opens."""
_LOOKED_AT: Final = 200
"""Packets by which it is judged whether a stream goes on."""


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


def open_container(path: Path) -> InputContainer:
    """Open a file as a video and nothing else: no playlist, no network; UnreadableVideo if not."""
    # The prefix keeps a colon in a name from being read as a protocol.
    url = f"file:{os.fspath(path.absolute())}"
    try:
        return av.open(url, "r", container_options=INPUT_OPTIONS, metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as error:
        if _lacks_index(path):
            what = "is cut short: the index at its end (moov) is missing"
            raise UnreadableVideo(f"{path} {what}") from None
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableVideo(f"{path} cannot be read as a video ({reason})") from None


def _lacks_index(path: Path) -> bool:
    """Whether an MP4 or QuickTime file ends before its index does."""
    names, at = set(), 0
    with path.open("rb") as file:
        while len(header := file.read(8)) == 8:
            length, name = struct.unpack(">I4s", header)
            if length == 1:
                length = int.from_bytes(file.read(8), "big")
            names.add(name)
            at += length
            if length < 8 or at > path.stat().st_size:
                break
            file.seek(at)
        complete = b"moov" in names and at <= path.stat().st_size
    return bool(names & {b"ftyp", b"mdat", b"moov"}) and not complete


def open_film(path: Path) -> tuple[InputContainer, int]:
    """The open file, and the index of its stream of moving pictures that is the film.

    Covers are none, with or without a flag, nor is a preview: a film goes on well into the file.
    Of several the default one is taken, then the largest. Raises UnreadableVideo or NoVideoStream.
    """
    container = open_container(path)
    try:
        streams = _films(container, path)
        if len(streams) == 1:
            return container, streams[0].index
        found = max(streams, key=lambda stream: _rank(container, stream, streams)).index
    except BaseException:
        container.close()
        raise
    # Judging has left the file somewhere in its middle.
    container.close()
    return open_container(path), found


def _films(container: InputContainer, path: Path) -> list[av.VideoStream]:
    """The streams of pictures that can be decoded and are not marked as covers."""
    still = Disposition.attached_pic | Disposition.still_image
    streams = [stream for stream in container.streams.video if not stream.disposition & still]
    if not streams:
        raise NoVideoStream(f"{path} holds no video stream")
    able = [stream for stream in streams if _context(stream) is not None]
    if not able:
        raise UnreadableVideo(f"{path} is in a format that cannot be decoded")
    return able


def _rank(
    container: InputContainer, stream: av.VideoStream, streams: Sequence[av.VideoStream]
) -> tuple[bool, bool, int, int]:
    default = bool(stream.disposition & Disposition.default)
    size = stream.codec_context.width * stream.codec_context.height
    return _goes_on(container, stream, streams), default, size, -stream.index


def _context(stream: av.VideoStream) -> av.VideoCodecContext | None:
    try:
        return stream.codec_context
    except (AttributeError, RuntimeError):
        return None


def _goes_on(
    container: InputContainer, stream: av.VideoStream, streams: Sequence[av.VideoStream]
) -> bool:
    """Whether a stream still has packets well into the file; few packets are read."""
    base = stream.time_base or Fraction(1)
    length = Fraction(container.duration or 0, 1_000_000) / base
    first = stream.start_time or 0
    try:
        container.seek(first + round(length / 2), stream=stream)
        for packet in itertools.islice(container.demux(*streams), _LOOKED_AT):
            late = packet.pts is not None and packet.pts - first >= length / 4
            if packet.stream_index == stream.index and late and packet.size:
                return True
    except (av.FFmpegError, OSError):
        return False
    return False
