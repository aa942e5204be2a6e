"""One timeline for recordings that were joined: the file's clock begins again, ours goes on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import av

__all__ = ["JoinedClock", "KeyPlace", "is_even", "place_before"]

_BACK: Final = 0.1
_AHEAD: Final = 10.0
"""Seconds that a clock may jump back and ahead within one recording (FFmpeg's own thresholds)."""
_UNEVEN: Final = 20
"""So many times the usual step between two samples is looked into."""


class KeyPlace(NamedTuple):
    """Where decoding may begin in a file whose clock starts again."""

    tick: int
    """PTS of the keyframe on the joined timeline."""
    position: int
    """In bytes."""
    offset: int
    """What is added there to the ticks of the file."""


class JoinedClock:
    """Moves the times of packets so that they go on where the clock of a file starts again."""

    def __init__(self, base: float) -> None:
        """`base` is the seconds of a tick."""
        self._back, self._ahead = -_BACK / base, _AHEAD / base
        self._last: int | None = None
        self._usual = 0
        self.offset = 0

    def enter(self, offset: int) -> None:
        """Go on at another place of the file, where `offset` holds."""
        self.offset, self._last = offset, None

    def settle(self, packet: av.Packet[av.VideoStream] | av.Packet[av.AudioStream]) -> None:
        """Move one packet; to be called for every one, in the order of the file."""
        at = packet.pts if packet.dts is None else packet.dts
        if at is None:
            return
        at += self.offset
        if self._last is not None:
            step = at - self._last
            if not self._back <= step <= self._ahead:
                # What a packet says of its own length is wrong more often than the one before.
                moved = (self._usual or packet.duration or 0) - step
                self.offset, at = self.offset + moved, at + moved
            self._usual = max(1, at - self._last)
        self._last = at
        if packet.pts is not None:
            packet.pts += self.offset
        if packet.dts is not None:
            packet.dts += self.offset


def place_before(places: Sequence[KeyPlace], tick: int) -> KeyPlace | None:
    """The last place whose keyframe is not shown later than `tick`."""
    found = bisect_right(places, tick, key=lambda place: place.tick)
    return places[found - 1] if found else None


def is_even(samples: Sequence[int], base: float) -> bool:
    """Whether a clock that was looked at all over a file grows as that of one recording does."""
    steps = sorted(later - earlier for earlier, later in pairwise(samples))
    usual = steps[len(steps) // 2] if steps else 0
    return not steps or (steps[0] >= 0 and steps[-1] <= _AHEAD / base + _UNEVEN * usual)
