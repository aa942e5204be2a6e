"""Targets grouped by the keyframe they hang on, and the decoding of one such group.

Which packets hold the wanted frames is known before anything is decoded.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import av

from videoseal.core.errors import UnreadableVideo
from videoseal.core.source import VideoSource, pts_of

__all__ = ["DecodedFrame", "PacketStep", "Run", "decode_all", "group", "look_ahead", "serve"]

_GAP_S: Final = 10.0
"""Without an index a target this far ahead is jumped to; keyframes are rarely farther apart."""
_RUN_S: Final = 30.0
"""Without an index a run is no longer than this, so that runs can be shared out."""
_MOST_REORDERED: Final = 16
"""Frames that may be decoded before, yet shown after, a frame: 16 in H.264 and HEVC."""
_REMEMBERED: Final = 256


class Run(NamedTuple):
    """Targets that are decoded in one go."""

    at: int | None
    """Where to jump to, as `VideoSource.key_before` gives it."""
    ticks: list[int]
    """PTS that are asked for, ascending and distinct."""


class DecodedFrame(NamedTuple):
    """The frame that answers a target."""

    tick: int
    frame: av.VideoFrame
    length: int
    """Ticks until the next frame; 0 where that is not known."""


class PacketStep(NamedTuple):
    """A packet to decode, and when its frame is shown if that frame is wanted."""

    packet: av.Packet[av.VideoStream]
    wanted: bool
    """Whether some target lies in `[pts, until)`; True where that cannot be known."""
    certain: bool = False
    """Whether it is known to be wanted; then `until` holds."""
    until: int | None = None
    """PTS of the frame shown next; None at the end of the stream."""


def group(source: VideoSource, ticks: Sequence[int]) -> Iterator[Run]:
    """Group ascending targets by keyframe; without an index, by nearness."""
    gap, longest = _GAP_S / source.base, _RUN_S / source.base
    run: Run | None = None
    for tick in ticks:
        if run is not None and not source.indexed:
            near = tick - run.ticks[-1] < gap and tick - run.ticks[0] < longest
            if near:
                run.ticks.append(tick)
                continue
        at = source.key_before(tick)
        if run is not None and run.at == at:
            run.ticks.append(tick)
            continue
        if run is not None:
            yield run
        run = Run(at, [tick])
    if run is not None:
        yield run


def serve(source: VideoSource, run: Run, *, skip: bool) -> Iterator[DecodedFrame]:
    """Answer every target of a run, going to more trouble as long as some are left.

    `skip` leaves out frames that nothing refers to. Raises UnreadableVideo when nothing between
    the start of the file and a target can be decoded.
    """
    pending, at = run.ticks, run.at
    back = round(1 / source.base)
    while pending:
        answered = 0
        for shown in _attempt(source, at, pending, skip=skip):
            answered += 1
            yield shown
        pending = pending[answered:]
        if not pending:
            return
        if skip:
            skip = False
        elif at is None:
            raise UnreadableVideo(f"no frame of {source.path} can be decoded")
        else:
            at, back = source.key_before(min(at, pending[0]) - back), back * 2


def decode_all(source: VideoSource, at: int | None) -> Iterator[av.VideoFrame]:
    """Every frame from a keyframe to the end, in order of presentation."""
    key = source.jump(at)
    if key is None:
        return
    source.skip_unreferenced(False)
    # What is shown before the keyframe but stored after it lacks its references.
    last = key.pts - 1 if at is not None and key.pts is not None else -math.inf
    for packet in itertools.chain([key], source.packets(), [None]):
        for frame in source.decode(packet):
            if (pts := pts_of(frame)) > last:
                last = pts
                yield frame


def _unknown(packets: Iterator[av.Packet[av.VideoStream]]) -> Iterator[PacketStep]:
    return (PacketStep(packet, wanted=True) for packet in packets)


def _attempt(
    source: VideoSource, at: int | None, ticks: Sequence[int], *, skip: bool
) -> Iterator[DecodedFrame]:
    """Answer targets after one jump, in order; stops early where an answer is not certain.

    With `skip` an answer is certain only if the very frame that the packets promise comes out;
    without, it is the last decodable frame that is not later than the target.
    """
    pending = deque(ticks)
    promised: dict[int, int | None] = {}
    before: av.VideoFrame | None = None
    for frame in _decode_wanted(source, at, ticks, promised, skip=skip):
        pts = pts_of(frame)
        while pending and pending[0] < pts:
            if skip or (before is None and at is not None):
                return
            yield DecodedFrame(pending.popleft(), before or frame, 0)
        before = frame
        if pts in promised:
            until = promised[pts]
            while pending and (until is None or pending[0] < until):
                yield DecodedFrame(pending.popleft(), frame, until - pts if until else 0)
        if not pending:
            return
    while pending and before is not None and not skip:
        yield DecodedFrame(pending.popleft(), before, 0)


def _decode_wanted(
    source: VideoSource,
    at: int | None,
    ticks: Sequence[int],
    promised: dict[int, int | None],
    *,
    skip: bool,
) -> Iterator[av.VideoFrame]:
    """Frames from a keyframe to the last that answers a target.

    Fills `promised`: from the PTS of a wanted frame to that of its successor, None at the end.
    The last target's packet need not be the last: frames are stored out of order.
    """
    key = source.jump(at)
    if key is None:
        return
    # What is shown before the keyframe but stored after it lacks its references.
    floor = key.pts if at is not None and key.pts is not None else -math.inf
    packets = itertools.chain([key], source.packets())
    covered = 0
    for step in _unknown(packets) if source.counted else look_ahead(packets, ticks):
        source.skip_unreferenced(skip and not step.wanted)
        pts = step.packet.pts
        if step.certain and pts is not None:
            promised[pts] = step.until
            covered += _within(ticks, pts, step.until)
        yield from (frame for frame in source.decode(step.packet) if pts_of(frame) >= floor)
        if covered == len(ticks):
            break
    yield from (frame for frame in source.decode(None) if pts_of(frame) >= floor)


def _within(ticks: Sequence[int], start: int, end: int | None) -> int:
    """How many ticks lie in `[start, end)`."""
    stop = len(ticks) if end is None else bisect_left(ticks, end)
    return max(0, stop - bisect_left(ticks, start))


def look_ahead(
    packets: Iterator[av.Packet[av.VideoStream]], targets: Sequence[int]
) -> Iterator[PacketStep]:
    """Tell for each packet, in decoding order, whether it is the last one shown by a target.

    `targets` are ticks in ascending order. A frame's successor is certain once 17 packets with a
    later PTS are known, so no more than a few are read ahead.
    """
    waiting: deque[av.Packet[av.VideoStream]] = deque()
    seen: list[int] = []
    ended = False
    while waiting or not ended:
        step = _judge(waiting[0], targets, seen, ended) if waiting else None
        if step is not None:
            waiting.popleft()
            yield step
        elif (packet := next(packets, None)) is None:
            ended = True
        else:
            waiting.append(packet)
            if packet.pts is not None and not packet.is_discard:
                insort(seen, packet.pts)
                del seen[:-_REMEMBERED]


def _judge(
    packet: av.Packet[av.VideoStream], targets: Sequence[int], seen: Sequence[int], ended: bool
) -> PacketStep | None:
    """The step for the oldest waiting packet, or None while more must be read."""
    if packet.is_discard:
        return PacketStep(packet, wanted=False)
    if packet.pts is None:
        return PacketStep(packet, wanted=True)
    target = bisect_left(targets, packet.pts)
    if target == len(targets):
        return PacketStep(packet, wanted=False)
    later = bisect_right(seen, packet.pts)
    if later < len(seen) and seen[later] <= targets[target]:
        return PacketStep(packet, wanted=False)
    if not ended and len(seen) - later <= _MOST_REORDERED:
        return None
    until = seen[later] if later < len(seen) else None
    return PacketStep(packet, wanted=True, certain=True, until=until)
