"""When each frame of a video is shown, in exact ticks."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import numpy as np
from numpy.typing import NDArray

from videoseal.evals.synthetic.spec import VideoSpec

__all__ = ["TICKS", "FrameTimes"]

TICKS = 4
"""Ticks in a nominal frame; the stream's time base is one tick."""


class FrameTimes:
    """The presentation times of all frames, first at 0; 8 bytes a frame."""

    def __init__(self, spec: VideoSpec) -> None:
        self.tick = 1 / (spec.rate * TICKS)
        """Length of a tick in seconds."""
        total = round(Fraction(spec.seconds) / self.tick)
        edges = _uneven(spec, total) if spec.vfr else np.arange(0, total + 1, TICKS)
        self.ticks: NDArray[np.int64] = edges[:-1].astype(np.int64)
        """Start of each frame."""
        self.total_ticks = int(edges[-1])
        """End of the last frame."""

    def __len__(self) -> int:
        return len(self.ticks)

    @property
    def duration(self) -> float:
        """End of the last frame, in seconds."""
        return float(self.total_ticks * self.tick)

    def seconds(self, frame: int) -> float:
        """When `frame` appears; the end of the video for the frame after the last."""
        ticks = self.total_ticks if frame >= len(self.ticks) else int(self.ticks[frame])
        return float(ticks * self.tick)

    def first_at(self, seconds: float) -> int:
        """The first frame that appears at or after `seconds`."""
        tick = -(-Fraction(seconds) // self.tick)
        return int(np.searchsorted(self.ticks, int(tick)))


def _uneven(spec: VideoSpec, total: int) -> NDArray[np.int64]:
    """Frame edges in stretches of 5 to 25 s at varied rates, ending at or before `total`."""
    rng = Random(f"frame times {spec.seed}")
    slowest = 5 * TICKS if spec.fps >= 10 else 2 * TICKS
    rates = ((TICKS,), (2 * TICKS,), (3, 4, 5, 7), (3, 5, 6, 12), (slowest,))
    edges = [0]
    while edges[-1] + TICKS <= total:
        stretch = edges[-1] + int(rng.uniform(5, 25) * float(spec.rate * TICKS))
        steps = rng.choice(rates)
        while edges[-1] < stretch and edges[-1] + TICKS <= total:
            edges.append(min(edges[-1] + rng.choice(steps), total))
    return np.asarray(edges, dtype=np.int64)
