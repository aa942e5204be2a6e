"""The audio track: a quiet room, and beeps at known times."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from videoseal.evals.synthetic.truth import Event

__all__ = ["RATE", "SoundTrack"]

RATE = 16_000
"""Samples a second, mono."""
_FADE_S = 0.01


class SoundTrack:
    """Samples by the second, so that memory stays flat."""

    def __init__(self, seed: int, events: list[Event]) -> None:
        self._seed = seed
        self._beeps = [event for event in events if event.kind == "beep"]

    def samples(self, first: int, count: int) -> NDArray[np.int16]:
        """`count` samples from sample number `first`, shape (1, count)."""
        rng = np.random.default_rng([self._seed, 2, first])
        at = (first + np.arange(count)) / RATE
        wave = 0.004 * rng.standard_normal(count) + 0.006 * np.sin(2 * np.pi * 110 * at)
        while self._beeps and self._beeps[0].end <= at[0]:
            self._beeps.pop(0)
        for beep in self._beeps:
            if beep.start > at[-1]:
                break
            fade = np.clip(np.minimum(at - beep.start, beep.end - at) / _FADE_S, 0, 1)
            wave += 0.25 * fade * np.sin(2 * np.pi * float(beep.look["hertz"]) * at)
        return (wave * 32_767).clip(-32_768, 32_767).astype(np.int16)[None, :]
