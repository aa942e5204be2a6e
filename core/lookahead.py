"""Which packets hold the wanted frames, known before anything is decoded."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from av.packet import Packet
from av.video.stream import VideoStream

__all__ = ["PacketStep", "look_ahead"]

_MOST_REORDERED: Final = 16
"""Frames that may be decoded before, yet shown after, a frame: 16 in H.264 and HEVC."""
_REMEMBERED: Final = 256


class PacketStep(NamedTuple):
    """A packet to decode, and when its frame is shown if that frame is wanted."""

    packet: Packet[VideoStream]
    wanted: bool
    """Whether some target lies in `[pts, until)`; True where that cannot be known."""
    certain: bool = False
    """Whether it is known to be wanted; then `until` holds."""
    until: int | None = None
    """PTS of the frame shown next; None at the end of the stream."""


def look_ahead(
    packets: Iterator[Packet[VideoStream]], targets: Sequence[int]
) -> Iterator[PacketStep]:
    """Tell for each packet, in decoding order, whether it is the last one shown by a target.

    `targets` are ticks in ascending order. A frame's successor is certain once 17 packets with a
    later PTS are known, so no more than a few are read ahead.
    """
    waiting: deque[Packet[VideoStream]] = deque()
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
    packet: Packet[VideoStream], targets: Sequence[int], seen: Sequence[int], ended: bool
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
