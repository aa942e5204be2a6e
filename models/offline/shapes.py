"""Plain shapes of one colour in a picture: circles, stars and the like, large and sharp.

Segments of one colour are compared with ideal outlines. It is made for graphics; in photographs
it finds little, and that is as it should be.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from videoseal.core.colours import COLOUR_NAMES, colour_indices

__all__ = ["SHAPE_NAMES", "Scraps", "Shape", "find_shapes"]

Box = tuple[int, int, int, int]
Mask = npt.NDArray[np.bool_]

_GRID: Final = 48
_LEAST_SIDE: Final = 0.035
"""Smallest side of a shape, as a share of the picture's height."""
_LEAST_AREA: Final = 0.0003
"""Smallest area of a segment, as a share of the square of the picture's height."""
_MOST_SIDE: Final = 0.7
_ALIKE: Final = 0.82
"""Smallest overlap with the ideal outline (intersection over union)."""
_MARGIN: Final = 0.03
"""By how much the best outline must beat the second."""
_EVEN: Final = 18.0
"""Largest deviation of a shape's colour inside it, of 255."""
_EDGE: Final = 36
"""Change of a channel from pixel to pixel, of 255, that no shape has inside."""
_COLOURLESS: Final = ("black", "grey", "brown")


class Shape(NamedTuple):
    """One shape."""

    name: str
    colour: str
    box: Box
    """Left, top, right, bottom in pixels."""
    area: int = 0
    """Pixels."""

    @property
    def centre(self) -> tuple[float, float]:
        """Horizontal and vertical middle in pixels."""
        return ((self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2)


class Scraps(NamedTuple):
    """A segment of one colour that is no whole shape: covered, cut, or something else."""

    colour: str
    area: int


def find_shapes(
    rgb: npt.NDArray[np.uint8], texts: Sequence[Box] = ()
) -> tuple[list[Shape], list[Scraps]]:
    """Shapes in a picture (h, w, 3), left to right, none of them letters in `texts`; and scraps.

    Empty without OpenCV, which comes with the reader of text.
    """
    try:
        import cv2
    except ImportError:
        return [], []
    smooth = cv2.medianBlur(rgb, 3)
    names = colour_indices(smooth)
    names[_edges(cv2, smooth)] = -1
    shapes: list[Shape] = []
    scraps: list[Scraps] = []
    for index, colour in enumerate(COLOUR_NAMES):
        if colour in _COLOURLESS:
            continue
        mask = (names == index).astype(np.uint8)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
        for label in range(1, count):
            left, top, width, height, area = (int(value) for value in stats[label])
            if area < _LEAST_AREA * rgb.shape[0] ** 2:
                continue
            box = (left, top, left + width, top + height)
            part = labels[top : box[3], left : box[2]] == label
            even = float(smooth[top : box[3], left : box[2]][part].std(axis=0).max()) <= _EVEN
            letter = any(_inside(box, text) for text in texts)
            name = _name(cv2, part) if even and not letter and _fits(box, rgb.shape) else ""
            if name:
                shapes.append(Shape(name, colour, box, area))
            elif even:
                scraps.append(Scraps(colour, area))
    rings = [shape for shape in shapes if shape.name == "ring"]
    holes = [s for s in shapes if any(s is not r and _inside(s.box, r.box) for r in rings)]
    return sorted((s for s in shapes if s not in holes), key=lambda shape: shape.box), scraps


def _edges(cv2: Any, rgb: npt.NDArray[np.uint8]) -> Mask:
    """Where the picture changes sharply: a rim of the same hue is no part of a shape."""
    kernel = np.ones((3, 3), np.uint8)
    change: npt.NDArray[np.uint8] = cv2.morphologyEx(rgb, cv2.MORPH_GRADIENT, kernel)
    sharp: Mask = change.max(axis=-1) > _EDGE
    return sharp


def _fits(box: Box, size: tuple[int, ...]) -> bool:
    """Whether a segment is neither too small, too large, too long nor cut by the border."""
    left, top, right, bottom = box
    short, long = sorted((right - left, bottom - top))
    inside = left > 0 and top > 0 and right < size[1] and bottom < size[0]
    large = short >= _LEAST_SIDE * size[0] and long <= _MOST_SIDE * size[0]
    return large and inside and long <= 1.8 * short


def _inside(box: Box, text: Box) -> bool:
    middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    return text[0] <= middle[0] <= text[2] and text[1] <= middle[1] <= text[3]


def _name(cv2: Any, mask: Mask) -> str:
    """The shape whose outline a segment fills; empty when none or two do."""
    plain = np.pad(mask.astype(np.uint8), 2)
    grids = [_grid(cv2, plain), _grid(cv2, cv2.dilate(plain, np.ones((3, 3), np.uint8)))]
    ratio = mask.shape[1] / mask.shape[0]
    scores = sorted(
        (max(_overlap(grid, ideal.grid) for grid in grids), ideal.name)
        for ideal in _ideals()
        if ideal.narrowest <= ratio <= ideal.widest
    )[-2:]
    if not scores or scores[-1][0] < _ALIKE:
        return ""
    clear = len(scores) == 1 or scores[1][0] - scores[0][0] >= _MARGIN
    return scores[-1][1] if clear else ""


def _grid(cv2: Any, mask: npt.NDArray[np.uint8]) -> Mask:
    """The segment stretched over the grid."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    part = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32)
    grid: npt.NDArray[np.float32] = cv2.resize(part, (_GRID, _GRID), interpolation=cv2.INTER_AREA)
    return grid >= 0.5


def _overlap(one: Mask, other: Mask) -> float:
    return float((one & other).sum() / max(1, (one | other).sum()))


class _Ideal(NamedTuple):
    name: str
    grid: Mask
    narrowest: float
    """Smallest ratio of width to height."""
    widest: float


Inside = Callable[[npt.NDArray[np.float64], npt.NDArray[np.float64]], Mask]


@functools.cache
def _ideals() -> tuple[_Ideal, ...]:
    star = [
        (
            (1.0, 0.42)[i % 2] * math.sin(i * math.pi / 5),
            -(1.0, 0.42)[i % 2] * math.cos(i * math.pi / 5),
        )
        for i in range(10)
    ]
    return (
        _ideal("circle", lambda x, y: x * x + y * y <= 1, 0.85, 1.18),
        _ideal("ring", lambda x, y: (x * x + y * y <= 1) & (x * x + y * y >= 0.34), 0.85, 1.18),
        _ideal("square", lambda x, y: (abs(x) <= 1) & (abs(y) <= 1), 0.88, 1.14),
        _ideal("diamond", lambda x, y: abs(x) + abs(y) <= 1, 0.55, 1.2),
        _ideal("triangle", lambda x, y: abs(x) <= (y + 1) / 2, 0.8, 1.5),
        _ideal("cross", lambda x, y: (abs(x) <= 0.36) | (abs(y) <= 0.36), 0.85, 1.18),
        _ideal("star", _polygon(star), 0.85, 1.25),
        _ideal("heart", _heart, 0.85, 1.45),
    )


SHAPE_NAMES: Final = (
    *("circle", "ring", "square", "diamond", "triangle", "cross", "star", "heart"),
)


def _ideal(name: str, inside: Inside, narrowest: float, widest: float) -> _Ideal:
    """The outline stretched over the grid, as a segment's box is."""
    steps = np.linspace(-1.2, 1.2, 961)
    filled = inside(*np.meshgrid(steps, steps))
    rows, columns = np.flatnonzero(filled.any(1)), np.flatnonzero(filled.any(0))
    filled = filled[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    at = [((np.arange(_GRID) + 0.5) * size / _GRID).astype(int) for size in filled.shape]
    return _Ideal(name, filled[np.ix_(*at)], narrowest, widest)


def _heart(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> Mask:
    wide, high = 1.14 * x, 0.1 - 1.14 * y
    return (wide**2 + high**2 - 1) ** 3 - wide**2 * high**3 <= 0


def _polygon(points: Sequence[tuple[float, float]]) -> Inside:
    def inside(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> Mask:
        odd = np.zeros(x.shape, dtype=bool)
        for (x0, y0), (x1, y1) in zip(points, [*points[1:], points[0]], strict=True):
            crosses = (y0 > y) != (y1 > y)
            odd ^= crosses & (x < (x1 - x0) * (y - y0) / ((y1 - y0) or 1e-12) + x0)
        return odd

    return inside
