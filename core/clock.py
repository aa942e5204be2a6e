"""Between a stream's integer ticks and seconds on the presentation timeline."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

__all__ = ["TOLERANCE", "Clock"]

TOLERANCE = Fraction(1, 1_000_000)
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
        """The last tick that is not later than `seconds`, to within TOLERANCE."""
        return self.origin + math.floor((Fraction(seconds) + TOLERANCE) / self.base)

    def tick_from(self, seconds: float) -> int:
        """The first tick that is not earlier than `seconds`, to within TOLERANCE."""
        return self.origin + math.ceil((Fraction(seconds) - TOLERANCE) / self.base)
