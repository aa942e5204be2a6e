"""Where on the timeline things go: one sign at a time, cuts between signs, cues inside scenes.

`FrameTimes` tells when each frame is shown, in exact ticks.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from fractions import Fraction
from random import Random
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from videoseal.evals.synthetic.facts.families import Show
from videoseal.evals.synthetic.spec import VideoSpec
from videoseal.evals.synthetic.truth import Scene, Talk

__all__ = ["TICKS", "FrameTimes", "Placed", "place_cues", "place_scenes", "place_signs"]

TICKS: Final = 4
"""Ticks in a nominal frame; the stream's time base is one tick."""
_SIGN_S: Final = (1.25, 2.8)
_FACT_S: Final = (1.7, 2.85)
_CUE_S: Final = (2.0, 6.0)
_SCENE_S: Final = (8.0, 40.0)
_GAP_S: Final = 0.4


class Placed(NamedTuple):
    """A show and its wished times in seconds, before they are moved to whole frames."""

    start: float
    end: float
    show: Show | None
    """None is a cue of talk that settles no question."""
    talk: Talk = "none"


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

    def snap(self, seconds: float) -> float:
        """When the first frame at or after `seconds` appears."""
        tick = -(-Fraction(seconds) // self.tick)
        return self.seconds(int(np.searchsorted(self.ticks, int(tick))))


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


def place_signs(rng: Random, shows: Sequence[Show], duration: float) -> list[Placed]:
    """Give every show a moment of its own, evenly scattered and in random order.

    Raises ValueError when the video is too short to show them one at a time.
    """
    slot = duration / max(1, len(shows))
    if slot < _SIGN_S[0] + 2 * _GAP_S:
        raise ValueError(f"{len(shows)} signs do not fit into {duration:.0f} s")
    placed = []
    for index, show in enumerate(rng.sample(shows, len(shows))):
        length = min(rng.uniform(*_SIGN_S), slot - 2 * _GAP_S)
        start = index * slot + rng.uniform(_GAP_S, slot - _GAP_S - length)
        placed.append(Placed(start, start + length, show))
    return placed


def place_scenes(
    rng: Random, signs: Sequence[Placed], times: FrameTimes, backdrops: Sequence[str]
) -> list[Scene]:
    """Cut the video into scenes of 8 to 40 s, never while a sign is shown."""
    starts, cuts = [placed.start for placed in signs], [0.0]
    while times.duration - cuts[-1] > _SCENE_S[1]:
        wish = cuts[-1] + rng.uniform(_SCENE_S[0], _SCENE_S[1] - 4)
        before = bisect_right(starts, wish) - 1
        if before >= 0 and wish < signs[before].end + _GAP_S / 2:
            wish = signs[before].end + _GAP_S / 2
        cuts.append(wish)
    # Every run of nine scenes holds the languages in fixed shares, the first three all of them.
    talk = _dealt(rng, ("en", "zh", "both"), ("en", "zh", "en", "both", "zh", "none"))
    behind = _dealt(rng, backdrops)
    return [
        Scene(index=i, start=times.snap(a), end=times.snap(b), backdrop=name, talk=mode)
        for i, ((a, b), name, mode) in enumerate(
            zip(itertools.pairwise([*cuts, times.duration]), behind, talk, strict=False)
        )
    ]


def _dealt(rng: Random, *hands: Sequence[Any]) -> Iterator[Any]:
    """Each hand shuffled and dealt, over and over."""
    while True:
        for hand in hands:
            yield from rng.sample(hand, len(hand))


def place_cues(rng: Random, scenes: Sequence[Scene], facts: Sequence[Show]) -> list[Placed]:
    """Fill the scenes with subtitles and hand the facts to cues of their language.

    Raises ValueError when there are more facts than cues.
    """
    cues: list[Placed] = []
    for scene in scenes:
        clock = scene.start + rng.uniform(0.2, 1.0)
        while scene.talk != "none" and clock + _CUE_S[0] < scene.end:
            end = min(clock + rng.uniform(*_CUE_S), scene.end - 0.1)
            cues.append(Placed(clock, end, None, scene.talk))
            clock = end + rng.choice((0.0, 0.15, 0.6, 1.4))
    for language in ("en", "zh"):
        mine = [fact for fact in rng.sample(facts, len(facts)) if fact.language == language]
        for index, fact in zip(_rooms(rng, cues, language, len(mine)), mine, strict=True):
            start, end, _, talk = cues[index]
            end = start + min(rng.uniform(*_FACT_S), end - start)
            cues[index] = Placed(start, end, fact, talk)
    return cues


def _rooms(rng: Random, cues: Sequence[Placed], language: str, count: int) -> list[int]:
    """`count` free cues spread over the video, in scenes of the language where possible."""
    free = [i for i, cue in enumerate(cues) if cue.show is None]
    fitting = [i for i in free if cues[i].talk in (language, "both")]
    rooms = fitting if len(fitting) >= count else free
    if len(rooms) < count:
        raise ValueError(f"{count} facts do not fit into {len(rooms)} subtitles")
    edges = [round(k * len(rooms) / max(1, count)) for k in range(count + 1)]
    return [rooms[rng.randrange(a, b)] for a, b in itertools.pairwise(edges)]
