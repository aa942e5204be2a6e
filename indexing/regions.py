"""Comparing small grey pictures, whole or inside a box.

Text is told from its background by its strokes: two regions are compared by the correlation of
their horizontal gradients, which strokes dominate even where the background moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Box", "Grey", "changed", "first_after_step", "likeness", "same_strokes"]

Grey = npt.NDArray[np.uint8]
"""A grey picture, shape (height, width)."""

_TILE: Final = 16
_CHANGE: Final = 4.0
_STROKE_LIKENESS: Final = 0.6
_FLAT: Final = 2.0


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
    """Whether any tile of 16 x 16 pixels differs by more than coding noise."""
    height, width = (size - size % _TILE for size in before.shape)
    if height == 0 or width == 0:
        return bool(np.mean(np.abs(before.astype(np.int16) - after)) > _CHANGE)
    # |a - b| of unsigned bytes without widening: this runs on every sampled frame.
    one, two = before[:height, :width], after[:height, :width]
    difference = np.maximum(one, two) - np.minimum(one, two)
    rows = np.add.reduceat(difference, np.arange(0, height, _TILE), axis=0, dtype=np.uint32)
    tiles = np.add.reduceat(rows, np.arange(0, width, _TILE), axis=1)
    return bool(tiles.max() > _CHANGE * _TILE * _TILE)


def _strokes(part: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    gradient: npt.NDArray[np.float32] = np.diff(part, axis=1)
    return gradient


def _correlation(one: npt.NDArray[np.float32], two: npt.NDArray[np.float32]) -> float:
    """Cosine of two gradients in [-1, 1]; 0 when one of them is flat."""
    size = max(1, one.size)
    first, second = float(np.vdot(one, one)), float(np.vdot(two, two))
    if min(first, second) < _FLAT * size:
        return 0.0
    return float(np.vdot(one, two) / np.sqrt(first * second))


def likeness(box: Box, one: Grey, two: Grey) -> float:
    """How alike the strokes inside `box` are in two pictures, 1 for the same strokes."""
    return _correlation(_strokes(box.cut(one)), _strokes(box.cut(two)))


def same_strokes(box: Box, one: Grey, two: Grey) -> bool:
    """Whether every part of the line inside `box` has the same strokes in both pictures.

    A single changed letter or digit shows, because parts are little wider than high.
    """
    first, second = _strokes(box.cut(one)), _strokes(box.cut(two))
    height, width = first.shape
    count = max(1, round(width / max(4.0, 1.2 * height)))
    parts = zip(
        np.array_split(first, count, axis=1), np.array_split(second, count, axis=1), strict=True
    )
    return all(
        max(np.vdot(a, a), np.vdot(b, b)) < _FLAT * a.size or _correlation(a, b) >= _STROKE_LIKENESS
        for a, b in parts
    )


def first_after_step(values: Sequence[float]) -> int:
    """Index of the first value after the step, for values that fall from about 1 to about 0.

    The split with the least squared error wins, so noise and fades move it little. The first
    value is before the step and the last one after it, whatever they are.
    """
    series = np.asarray(values, np.float64)
    before = np.concatenate([[0.0], np.cumsum((1.0 - series) ** 2)])
    after = np.concatenate([np.cumsum((series**2)[::-1])[::-1], [0.0]])
    return 1 + int(np.argmin((before + after)[1:-1]))
