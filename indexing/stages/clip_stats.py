"""What can be measured in the pictures of a clip without a model: colours, light, motion, cuts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypedDict

import numpy as np
import numpy.typing as npt

from videoseal.core.colours import COLOUR_NAMES, ColourBounds, colour_indices
from videoseal.core.span import format_time
from videoseal.indexing.stages.change_detection import Grey

__all__ = ["ClipFacts", "Facts", "colour_shares", "cut_times", "in_words"]

_CUT_LEVEL: Final = 16.0
_CUT_RATIO: Final = 3.0
_CUT_NEIGHBOURS: Final = 8
_SHOWN_SHARE: Final = 0.04
_SHOWN_COLOURS: Final = 4
_BOUNDS: Final = ColourBounds(
    hues=(15, 45, 70, 165, 200, 255, 290, 340, 361), dark=0.2, pale=0.18, light=0.85, brown=0.6
)


class Facts(TypedDict):
    """Measurements of one clip, as stored."""

    colours: dict[str, float]
    """Share of the picture, by name of colour."""
    brightness: float
    """Mean luma in [0, 1]."""
    motion: float
    """Mean change of luma from one sample to the next, in [0, 1]; cuts left out."""
    cuts: list[float]
    """Times of the first frame after each hard cut, in seconds."""


def colour_shares(rgb: npt.NDArray[np.uint8]) -> dict[str, float]:
    """Share of pixels (h, w, 3) by name of colour, judged on a coarse grid."""
    height, width = rgb.shape[:2]
    grid = rgb[:: max(1, height // 36), :: max(1, width // 64)]
    names = colour_indices(grid, _BOUNDS).ravel()
    counts = np.bincount(names, minlength=len(COLOUR_NAMES)) / len(names)
    order = np.argsort(-counts, kind="stable")
    return {COLOUR_NAMES[i]: float(counts[i]) for i in order if counts[i] > 0}


def cut_times(times: Sequence[float], changes: Sequence[float]) -> list[float]:
    """Times whose change stands out of its neighbours: the first frames after hard cuts.

    `changes[i]` is the mean absolute change of luma (0..255) of the frame at `times[i]`.
    """
    values = np.asarray(changes, np.float64)
    cuts = []
    for index in np.flatnonzero(values > _CUT_LEVEL).tolist():
        first = max(0, index - _CUT_NEIGHBOURS)
        around = values[first : index + _CUT_NEIGHBOURS + 1]
        others = np.sort(np.delete(around, index - first))
        usual = float(others[len(others) // 2]) if len(others) else 0.0
        if values[index] > _CUT_RATIO * max(usual, 1.0):
            cuts.append(times[index])
    return cuts


class ClipFacts:
    """Collects the measurements of one clip, frame by frame."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._changes: list[float] = []
        self._last: npt.NDArray[np.int16] | None = None
        self._sampled: npt.NDArray[np.int16] | None = None
        self._sampled_at = 0.0
        self._moved: list[tuple[float, float, float]] = []
        self._light: list[float] = []
        self._colours: dict[str, float] = {}
        self._shares: Mapping[str, float] = {}
        self._looks = 0

    def frame(self, time: float, grey: Grey) -> None:
        """Every frame of the clip, in order."""
        small = grey[::4, ::4].astype(np.int16)
        if self._last is not None:
            self._times.append(time)
            self._changes.append(float(np.abs(small - self._last).mean()))
        self._last = small

    def sample(self, time: float, shares: Mapping[str, float] | None) -> None:
        """The frame just given is a sample; None for colours like those of the sample before."""
        assert self._last is not None
        if self._sampled is not None:
            change = float(np.abs(self._last - self._sampled).mean())
            self._moved.append((self._sampled_at, time, change))
        self._sampled, self._sampled_at = self._last, time
        self._light.append(float(self._last.mean()) / 255)
        self._shares = self._shares if shares is None else shares
        self._looks += 1
        for name, share in self._shares.items():
            self._colours[name] = self._colours.get(name, 0.0) + share

    def finish(self) -> Facts:
        """The measurements, rounded to what they are worth."""
        cuts = cut_times(self._times, self._changes)
        calm = [
            change
            for start, end, change in self._moved
            if not any(start < cut <= end for cut in cuts)
        ]
        ordered = sorted(self._colours.items(), key=lambda item: (-item[1], item[0]))
        shares = {name: round(total / self._looks, 3) for name, total in ordered}
        return Facts(
            colours={name: share for name, share in shares.items() if share >= 0.01},
            brightness=round(sum(self._light) / max(1, len(self._light)), 3),
            motion=round(sum(calm) / max(1, len(calm)) / 255, 4),
            cuts=cuts,
        )


def in_words(facts: Facts) -> dict[str, str]:
    """The measurements as short phrases, for a captioner."""
    # Sorted again: the database does not keep the order of a JSON object.
    shares = sorted(facts["colours"].items(), key=lambda item: (-item[1], item[0]))
    colours = [
        f"{name} {share:.0%}" for name, share in shares[:_SHOWN_COLOURS] if share >= _SHOWN_SHARE
    ]
    light = facts["brightness"]
    motion = facts["motion"]
    cuts = facts["cuts"]
    times = ", ".join(format_time(cut, decimals=1) for cut in cuts[:5])
    return {
        "colours": ", ".join(colours),
        "brightness": "dark" if light < 0.25 else "bright" if light > 0.65 else "medium",
        "motion": _grade(motion),
        "cuts": f"{len(cuts)} at {times}" if cuts else "none",
    }


def _grade(motion: float) -> str:
    for limit, word in ((0.002, "still"), (0.02, "little"), (0.06, "moderate")):
        if motion < limit:
            return word
    return "much"
