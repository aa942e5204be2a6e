"""Where on the timeline things go: one sign at a time, cuts between signs, cues inside scenes.

`FrameTimes` tells when each frame is shown, in exact ticks.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from videoseal.evals.synthetic.facts.families import Show
from videoseal.evals.synthetic.spec import VideoSpec

__all__ = [
    "TICKS",
    "FrameTimes",
    "Placed",
    "PlacedCue",
    "Shot",
    "TalkMode",
    "place_cues",
    "place_shots",
    "place_signs",
]

TalkMode = Literal["en", "zh", "both", "none"]

_SIGN_S = (1.25, 2.8)
_FACT_S = (1.7, 2.85)
_CUE_S = (2.0, 6.0)
_SHOT_S = (8.0, 40.0)
_GAP_S = 0.4


@dataclass(frozen=True, slots=True)
class Placed:
    """A show and its wished times in seconds, before they are moved to whole frames."""

    show: Show
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Shot:
    """A scene between two cuts, in seconds."""

    start: float
    end: float
    talk: TalkMode


@dataclass(frozen=True, slots=True)
class PlacedCue:
    """Room for one subtitle."""

    start: float
    end: float
    talk: TalkMode
    show: Show | None
    """The fact to be told; None for small talk."""


def place_signs(rng: Random, shows: Sequence[Show], duration: float) -> list[Placed]:
    """Give every show a moment of its own, evenly scattered and in random order.

    Raises ValueError when the video is too short to show them one at a time.
    """
    order = rng.sample(shows, len(shows))
    slot = duration / max(1, len(order))
    if slot < _SIGN_S[0] + 2 * _GAP_S:
        raise ValueError(f"{len(order)} signs do not fit into {duration:.0f} s")
    placed = []
    for index, show in enumerate(order):
        length = min(rng.uniform(*_SIGN_S), slot - 2 * _GAP_S)
        start = index * slot + rng.uniform(_GAP_S, slot - _GAP_S - length)
        placed.append(Placed(show, start, start + length))
    return placed


def place_shots(rng: Random, signs: Sequence[Placed], duration: float) -> list[Shot]:
    """Cut the video into scenes of 8 to 40 s, never while a sign is shown."""
    starts, cuts = [placed.start for placed in signs], [0.0]
    while duration - cuts[-1] > _SHOT_S[1]:
        wish = cuts[-1] + rng.uniform(_SHOT_S[0], _SHOT_S[1] - 4)
        before = bisect_right(starts, wish) - 1
        if before >= 0 and wish < signs[before].end + _GAP_S / 2:
            wish = signs[before].end + _GAP_S / 2
        cuts.append(wish)
    modes = _modes(rng, len(cuts))
    ends = [*cuts[1:], duration]
    return [Shot(a, b, mode) for a, b, mode in zip(cuts, ends, modes, strict=True)]


def _modes(rng: Random, count: int) -> list[TalkMode]:
    """Languages of the scenes: every run of nine holds them in fixed shares."""
    modes: list[TalkMode] = []
    while len(modes) < count:
        nine: list[TalkMode] = ["en", "zh", "both", "en", "zh", "en", "both", "zh", "none"]
        head, tail = nine[:3], nine[3:]
        rng.shuffle(head)
        rng.shuffle(tail)
        modes += head + tail
    return modes[:count]


def place_cues(rng: Random, shots: Sequence[Shot], facts: Sequence[Show]) -> list[PlacedCue]:
    """Fill the scenes with subtitles and hand the facts to cues of their language.

    Raises ValueError when there are more facts than cues.
    """
    cues: list[PlacedCue] = []
    for shot in shots:
        clock = shot.start + rng.uniform(0.2, 1.0)
        while shot.talk != "none" and clock + _CUE_S[0] < shot.end:
            end = min(clock + rng.uniform(*_CUE_S), shot.end - 0.1)
            cues.append(PlacedCue(clock, end, shot.talk, None))
            clock = end + rng.choice((0.0, 0.15, 0.6, 1.4))
    taken: set[int] = set()
    for language in ("en", "zh"):
        mine = [fact for fact in rng.sample(facts, len(facts)) if fact.language == language]
        for index, fact in zip(_rooms(rng, cues, taken, language, len(mine)), mine, strict=True):
            cue = cues[index]
            length = min(rng.uniform(*_FACT_S), cue.end - cue.start)
            cues[index] = PlacedCue(cue.start, cue.start + length, cue.talk, fact)
            taken.add(index)
    return cues


def _rooms(
    rng: Random, cues: Sequence[PlacedCue], taken: set[int], language: str, count: int
) -> list[int]:
    """`count` free cues spread over the video, in scenes of the language where possible."""
    free = [i for i in range(len(cues)) if i not in taken]
    fitting = [i for i in free if cues[i].talk in (language, "both")]
    rooms = fitting if len(fitting) >= count else free
    if len(rooms) < count:
        raise ValueError(f"{count} facts do not fit into {len(rooms)} subtitles")
    edges = [round(k * len(rooms) / max(1, count)) for k in range(count + 1)]
    return [rooms[rng.randrange(a, b)] for a, b in itertools.pairwise(edges)]


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
