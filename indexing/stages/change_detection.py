"""Comparing small grey pictures, whole or inside a box.

Text is told from its background by its strokes: two regions are compared by the correlation of
their horizontal gradients, which strokes dominate even where the background moves.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Box", "Grey", "Strokes", "changed", "first_after_step", "flashes"]

Grey = npt.NDArray[np.uint8]
"""A grey picture, shape (height, width)."""

_TILE: Final = 8
_CHANGE: Final = 5.0
_DRAWN: Final = 10.0
"""Mean difference of neighbouring pixels in a tile with strokes of a text."""
_STRETCH: Final = 5
"""So many tiles in a row with new strokes are a text."""
_PART: Final = 0.7
"""Width of a part of a line, in heights of the line."""
_SAME: Final = 0.75
"""Correlation of parts: the same letter over a moving background has 0.95, another at most 0.7."""
_SURE: Final = 0.92
_LIKELY: Final = 0.6
"""Another letter has at most 0.55 (p and b more), a speck behind the same letter at least 0.64."""
_ROUGHLY: Final = 0.4
_BOLD: Final = 0.3
"""Share of the usual stroke energy below which a part shows background, not letters."""
_FLAT: Final = 4.0
_Floats = npt.NDArray[np.floating]


class Box(NamedTuple):
    """A rectangle in fractions of the picture's width and height."""

    left: float
    top: float
    right: float
    bottom: float

    def cut(self, grey: Grey) -> npt.NDArray[np.float32]:
        """The part of a picture inside the box, at least 3 x 2 pixels."""
        height, width = grey.shape
        left = min(int(self.left * width), width - 3)
        top = min(int(self.top * height), height - 2)
        right = max(round(self.right * width), left + 3)
        bottom = max(round(self.bottom * height), top + 2)
        part: npt.NDArray[np.float32] = grey[top:bottom, left:right].astype(np.float32)
        return part

    def lowered(self, by: float) -> Box:
        """The same rectangle further down by a fraction of the picture's height."""
        return self._replace(top=self.top + by, bottom=self.bottom + by)

    def near(self, other: Box) -> bool:
        """Whether both could hold the same line: rows overlap by half, columns by a third."""
        rows = min(self.bottom, other.bottom) - max(self.top, other.top)
        columns = min(self.right, other.right) - max(self.left, other.left)
        low = min(self.bottom - self.top, other.bottom - other.top)
        narrow = min(self.right - self.left, other.right - other.left)
        return rows >= 0.5 * low and columns >= 0.33 * narrow

    def holds(self, other: Box) -> bool:
        """Whether at least four fifths of `other` lie inside this box."""
        rows = min(self.bottom, other.bottom) - max(self.top, other.top)
        columns = min(self.right, other.right) - max(self.left, other.left)
        area = (other.right - other.left) * (other.bottom - other.top)
        return rows > 0 and columns > 0 and rows * columns >= 0.8 * area


def changed(before: Grey, after: Grey) -> bool:
    """Whether any tile of 8 x 8 pixels differs by more than coding noise."""
    height, width = (size - size % _TILE for size in before.shape)
    if height == 0 or width == 0:
        return bool(np.mean(np.abs(before.astype(np.int16) - after)) > _CHANGE)
    # |a - b| of unsigned bytes without widening: this runs on every sampled frame.
    one, two = before[:height, :width], after[:height, :width]
    difference = np.maximum(one, two) - np.minimum(one, two)
    rows = np.add.reduceat(difference, np.arange(0, height, _TILE), axis=0, dtype=np.uint32)
    tiles = np.add.reduceat(rows, np.arange(0, width, _TILE), axis=1)
    return bool(tiles.max() > _CHANGE * _TILE * _TILE)


def flashes(before: Grey, between: Grey, after: Grey) -> bool:
    """Whether a picture has a stretch of strokes, as of a text, that neither neighbour has."""
    if not (changed(before, between) and changed(between, after)):
        return False
    strokes = _stroke_tiles(between)
    others = np.maximum(_stroke_tiles(before), _stroke_tiles(after))
    new = (strokes >= _DRAWN * _TILE * _TILE) & (strokes >= 2 * others)
    # A space between two words leaves a tile without strokes.
    new[:, 1:-1] |= new[:, :-2] & new[:, 2:]
    counts = np.cumsum(np.pad(new, ((0, 0), (1, 0))), axis=1)
    return bool((counts[:, _STRETCH:] - counts[:, :-_STRETCH] == _STRETCH).any())


def _stroke_tiles(grey: Grey) -> npt.NDArray[np.int64]:
    """How much neighbouring pixels differ in each tile of 8 x 8, row by row."""
    height, width = (size - size % _TILE for size in grey.shape)
    steps = np.abs(np.diff(grey[:height, :width].astype(np.int16), axis=1, append=0))
    steps[:, -1] = 0
    tiles = steps.reshape(height // _TILE, _TILE, width // _TILE, _TILE)
    sums: npt.NDArray[np.int64] = tiles.sum(axis=(1, 3), dtype=np.int64)
    return sums


class Strokes:
    """The strokes inside a box of one picture, in parts little narrower than a letter.

    A single changed letter or digit shows in its part, however long the line.
    """

    def __init__(self, box: Box, grey: Grey) -> None:
        self._box = box
        self._gradient = np.diff(box.cut(grey), axis=1)
        height, width = self._gradient.shape
        count = max(1, round(width / max(3.0, _PART * height)))
        self._starts = np.linspace(0, width, count, endpoint=False).astype(np.intp)
        self._weight = self._sums(self._gradient, self._gradient)
        ones = np.ones_like(self._gradient)
        drawn = self._weight >= _FLAT * self._sums(ones, ones)
        if drawn.any():
            # Between words and beside the line there is background, which may well change.
            drawn &= self._weight >= _BOLD * np.median(self._weight[drawn])
        self._drawn = drawn

    def _sums(self, one: _Floats, two: _Floats) -> _Floats:
        sums: _Floats = np.add.reduceat((one * two).sum(axis=0), self._starts)
        return sums

    def likeness(self, grey: Grey) -> _Floats:
        """Correlation of each part with the same place in another picture, in [-1, 1]."""
        return self._correlation(self._gradient, np.diff(self._box.cut(grey), axis=1))

    def _correlation(self, one: _Floats, two: _Floats) -> _Floats:
        norm = np.sqrt(self._sums(one, one) * self._sums(two, two))
        found: _Floats = self._sums(one, two) / np.maximum(norm, _FLAT)
        return found

    def stay(self, frames: Sequence[Grey], *, surely: bool = False) -> bool:
        """Whether the strokes are there in all frames, the first of which they are from.

        From one frame to the next a background moves little, but a letter that is replaced is
        replaced at once; over all frames together only a rough likeness is asked for. `surely`
        tells even a small 5 from a small 6, at the price of some doubt over wild backgrounds.
        """
        if not self._drawn.any() or self.likeness(frames[-1])[self._drawn].min() < _ROUGHLY:
            return False
        least = _SURE if surely else _LIKELY
        gradients = [np.diff(self._box.cut(grey), axis=1) for grey in frames]
        return all(
            self._correlation(one, two)[self._drawn].min() >= least
            for one, two in itertools.pairwise(gradients)
        )

    def fall(self, frames: Sequence[Grey]) -> int | None:
        """Index of the first frame without these strokes; None where the last one has them.

        `frames` begin with the picture that the strokes are from. Only the parts that differ in
        the last frame count: `gate 3` and `gate 4` share most of theirs.
        """
        rows = np.stack([self.likeness(grey) for grey in frames])
        parts = self._drawn & (rows[-1] < _SAME)
        if not parts.any():
            parts = self._drawn & (rows[-1] < _SURE)
        if not parts.any():
            return None
        values = (rows[:, parts] * self._weight[parts]).sum(axis=1) / self._weight[parts].sum()
        return first_after_step((values - values[-1]) / (values[0] - values[-1]))


def first_after_step(values: Sequence[float] | _Floats) -> int:
    """Index of the first value after the step, for values that fall from about 1 to about 0.

    The split with the least squared error wins, so noise and fades move it little. The first
    value is before the step and the last one after it, whatever they are.
    """
    series = np.asarray(values, np.float64)
    before = np.concatenate([[0.0], np.cumsum((1.0 - series) ** 2)])
    after = np.concatenate([np.cumsum((series**2)[::-1])[::-1], [0.0]])
    return 1 + int(np.argmin((before + after)[1:-1]))
