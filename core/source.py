"""One opened video file: packets in, frames out, and jumps to keyframes.

Nothing here knows what is wanted; `core.frames` does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final, Self

import av
from av.container import InputContainer
from av.stream import Discard

from videoseal.core.container import check_file, open_container, open_film
from videoseal.core.joined_clock import JoinedClock, KeyPlace, is_even, place_before

__all__ = ["VideoSource", "pts_of"]

_INDEXED: Final = ("mov", "matroska", "avi", "flv")
"""Containers whose index names keyframes; MPEG-TS marks any position as one."""
_SAMPLES: Final = 100
_SMALL: Final = 32 << 20
"""Bytes that are read through at once."""
_MAX_FAILED_READS: Final = 64
_FAR_US: Final = 100 * 3600 * 1_000_000


class VideoSource:
    """An open container with its one video stream and a decoder; not for several threads at once.

    Ticks are the stream's own PTS; where the clock of a recording starts again, they go on. Where a
    file carries no trustworthy PTS (raw streams, AVI with B-frames) `counted` is set: frames then
    get their ticks in output order, and only reading from the start gives true times.
    """

    _index: int | None
    _places: list[KeyPlace]
    _ticks: list[int]
    _container: InputContainer
    _ahead: av.Packet[av.VideoStream] | None
    stream: av.VideoStream

    def __init__(self, path: Path, *, threads: int = 1, like: VideoSource | None = None) -> None:
        """`like` is an open source of the same file: what it found out is not looked for again."""
        self.path = path
        self._threads = threads
        self._index = None if like is None else like._index
        self._clock: JoinedClock | None = None
        size = check_file(path)
        self._open()
        stream = self.stream
        context = stream.codec_context
        self.codec = context.name
        name = self._container.format.name
        self.counted = stream.start_time is None or (name == "avi" and context.has_b_frames)
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        rate = stream.guessed_rate or rate if self.counted else rate
        self.rate: Fraction = rate if 0 < rate <= 1000 else Fraction(25)
        # The chunks of AVI have times in the order of decoding, those of raw streams none.
        timed = stream.time_base if name == "avi" or not self.counted else None
        self.base: Fraction = timed or 1 / self.rate
        self.has_audio = bool(self._container.streams.audio)
        # After a jump into an MPEG program stream PTS are guessed until the next one comes by.
        self._linear = self.counted or name == "mpeg"
        self._reorder = context.reorder_depth
        # The ticks that hang on the keyframe that was looked up last.
        self._group: tuple[int, float] = (0, -math.inf)
        self._ticks = [] if like is None else like._ticks
        self._places = like._places if like else self._find_places(size) if name == "mpegts" else []
        self._indexed = name.startswith(_INDEXED) or bool(self._places)
        if self._places or name == "mpeg":
            self._clock = JoinedClock(float(self.base))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the file and the decoder back."""
        self._container.close()

    @property
    def restarts(self) -> bool:
        """Whether the clock of the file starts again, for all of its streams."""
        return self._clock is not None

    @property
    def container(self) -> InputContainer:
        """The open file, to be looked at; whoever reads or seeks in it must `jump` afterwards."""
        return self._container

    def _open(self) -> None:
        if self._index is None:
            self._container, self._index = open_film(self.path)
        else:
            self._container = open_container(self.path)
        streams = self._container.streams
        self.stream = next(video for video in streams.video if video.index == self._index)
        for other in streams:
            if other.index != self._index:
                other.discard = Discard.all
        context = self.stream.codec_context
        context.thread_count = self._threads
        context.thread_type = "FRAME" if self._threads > 1 else "NONE"
        self._count = 0
        self._ahead = None
        if self._clock is not None:
            self._clock.enter(0)

    def _find_places(self, size: int) -> list[KeyPlace]:
        """Every place to begin at, where the clock of the file starts again; [] elsewhere.

        The clock is sampled all over the file; only where it does not grow evenly, or the file is
        small, all packets are read.
        """
        places, clock = [], JoinedClock(float(self.base))
        if size <= _SMALL or not is_even(self._sampled_clock(size), float(self.base)):
            self.rewind()
            for packet in self._read():
                clock.settle(packet)
                if packet.is_keyframe and packet.pts is not None and packet.pos is not None:
                    places.append(KeyPlace(packet.pts, packet.pos, clock.offset))
        self.rewind()
        return places if any(place.offset for place in places) else []

    def _sampled_clock(self, size: int) -> list[int]:
        samples = []
        for number in range(_SAMPLES):
            self._container.seek(size * number // _SAMPLES, unsupported_byte_offset=True)
            samples += [next((p.dts for p in self._read() if p.dts is not None), 0)]
        return samples

    def number(self) -> tuple[int, int]:
        """Read a counted file through; the ticks of its last frame and of its end.

        A frame is shown when the chunk is due that comes so many chunks later as frames wait to be
        put in order: chunks that were dropped leave their gap where a player shows it.
        """
        self.rewind()
        step = max(1, round(1 / self.rate / self.base))
        due = [packet.dts for packet in self.packets()]
        known = [tick for tick in due if tick is not None]
        if len(known) < len(due) or not due or self._container.format.name != "avi":
            self._ticks = [step * n for n in range(len(due))]
        else:
            rest = (known[-1] + (n + 1) * step for n in range(self._reorder))
            late = [*known[self._reorder :], *rest]
            self._ticks = [tick - late[0] for tick in late]
        last = self._ticks[-1] if self._ticks else 0
        return last, last + step

    def rewind(self) -> None:
        """Start over at the first packet, whether or not the format can seek."""
        self._container.close()
        self._open()

    def packets(self) -> Iterator[av.Packet[av.VideoStream]]:
        """Packets from here on in decoding order; damage is stepped over, the end just ends.

        The half packet at the end of a file that was cut off is left out.
        """
        read = self._read()
        while packet := self._ahead or next(read, None):
            self._ahead = next(read, None) if packet.is_corrupt else None
            if packet.is_corrupt and self._ahead is None:
                return
            yield packet

    def _read(self) -> Iterator[av.Packet[av.VideoStream]]:
        failures = 0
        while failures < _MAX_FAILED_READS:
            try:
                for packet in self._container.demux(self.stream):
                    if packet.size == 0 and packet.dts is None:
                        return
                    failures = 0
                    if self._clock is not None:
                        self._clock.settle(packet)
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
                known = self._count < len(self._ticks)
                frame.pts = self._ticks[self._count] if known else self._count
                self._count += 1
        return [frame for frame in frames if frame.pts is not None and not frame.is_corrupt]

    @property
    def claimed_end(self) -> int:
        """Where the file says that it ends, in ticks; far off where it says nothing."""
        if self._places:
            return self._places[-1].tick
        seconds = Fraction(self._container.duration or _FAR_US, 1_000_000)
        return (self.stream.start_time or 0) + round(seconds / self.base)

    def skip_unreferenced(self, skip: bool) -> None:
        """Whether the next packets may be dropped where no other frame refers to them."""
        self.stream.codec_context.skip_frame = "NONREF" if skip else "DEFAULT"

    def jump(self, at: int | None) -> av.Packet[av.VideoStream] | None:
        """Go to the keyframe at or before tick `at` (None: the start) and read it.

        Returns None when no keyframe follows.
        """
        self._ahead = None
        if at is None or self._linear:
            self.rewind()
        elif self._places:
            place = place_before(self._places, at) or self._places[0]
            self._container.seek(place.position, unsupported_byte_offset=True)
            if self._clock is not None:
                self._clock.enter(place.offset)
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
        if self._places:
            place = place_before(self._places, tick)
            return place and place.tick
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
