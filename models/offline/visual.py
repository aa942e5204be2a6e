"""What can be measured beside the text: grounds of boards, plain shapes, their number and motion.

Measurements are put into words, so that the rules for text decide over them, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from videoseal.core.colours import COLOUR_NAMES, colour_indices
from videoseal.models.ocr.reader import TextLine
from videoseal.models.offline.layout import Passage
from videoseal.models.offline.shapes import SHAPE_NAMES, Scraps, Shape, find_shapes
from videoseal.models.offline.words import tokens
from videoseal.models.types import Question

__all__ = ["Sight", "asks_looks", "ground_colour", "look", "measured"]

_WORDS: Final = frozenset(token.text for token in tokens(" ".join((*COLOUR_NAMES, *SHAPE_NAMES))))
_NEAR: Final = 2.0
"""Largest gap between a shape and the words it belongs to, in sides of the shape."""
_NEARER: Final = 2.0
"""How many times as far the next shape must be."""
_LARGE: Final = 0.2
"""Share of the picture's height from which a shape is called large."""
_PART: Final = 0.2
"""Share of a shape that may look out from behind something."""
_MOVED: Final = 0.04
"""Share of the picture's height that a shape crosses before it is called moving."""
_STRAIGHT: Final = 2.0
"""How much longer the way must be in one direction than across it."""
_PAUSE: Final = 1.5
"""Most seconds between two sights of one moving shape."""
_SHARE: Final = 0.45
"""Share of a text's box that its ground must fill with one colour to be named."""


class Sight(NamedTuple):
    """What was measured in one frame."""

    time: float
    height: int
    shapes: list[Shape]
    scraps: list[Scraps]
    grounds: list[tuple[TextLine, str]]
    """Lines of text with the plain colour behind them."""


def asks_looks(question: Question) -> bool:
    """Whether colours or shapes are named: only then is measuring worth its time."""
    text = " ".join((question.text, *question.options))
    return any(token.text in _WORDS for token in tokens(text))


def look(rgb: npt.NDArray[np.uint8], lines: Sequence[TextLine], time: float) -> Sight:
    """Measure one frame (h, w, 3) in which `lines` were read."""
    shapes, scraps = find_shapes(rgb, [line.box for line in lines])
    grounds = [(line, ground_colour(rgb, line.box)) for line in lines]
    return Sight(time, rgb.shape[0], shapes, scraps, [item for item in grounds if item[1]])


def ground_colour(rgb: npt.NDArray[np.uint8], box: tuple[int, int, int, int]) -> str:
    """The colour behind text in a box (left, top, right, bottom); empty when there is no plain one.

    The ground is what fills the rim of the box: letters hardly touch it.
    """
    left, top, right, bottom = box
    pad = max(2, (bottom - top) // 6)
    part = rgb[max(0, top - pad) : bottom + pad, max(0, left - pad) : right + pad]
    if min(part.shape[:2], default=0) < 2 * pad:
        return ""
    names = colour_indices(part)
    rim = np.concatenate([names[:pad].ravel(), names[-pad:].ravel()])
    counts = np.bincount(rim, minlength=len(COLOUR_NAMES))
    best = int(counts.argmax())
    plain = counts[best] > 0.9 * counts.sum() and (names == best).mean() > _SHARE
    return COLOUR_NAMES[best] if plain else ""


def measured(sights: Sequence[Sight]) -> list[Passage]:
    """Measurements of frames in order of time, in words."""
    found: list[Passage] = []
    for sight in sights:
        found += _grounds(sight) + _beside(sight) + _counted(sight)
    return found + _moving(sights)


def _grounds(sight: Sight) -> list[Passage]:
    return [
        Passage(sight.time, (line.text, f"{colour} background"), 2)
        for line, colour in sight.grounds
    ]


def _beside(sight: Sight) -> list[Passage]:
    """Words with a shape next to them, where it stands out as the nearest."""
    found: list[Passage] = []
    for line, _ in sight.grounds:
        near = sorted((_gap(shape, line), shape) for shape in sight.shapes)[:2]
        if not near or near[0][0] > _NEAR:
            continue
        if len(near) == 1 or near[1][0] >= _NEARER * near[0][0] + 0.1:
            shape = near[0][1]
            found.append(Passage(sight.time, (line.text, f"{shape.colour} {shape.name}"), 2))
    return found


def _gap(shape: Shape, line: TextLine) -> float:
    across = max(line.box[0] - shape.box[2], shape.box[0] - line.box[2], 0)
    down = max(line.box[1] - shape.box[3], shape.box[1] - line.box[3], 0)
    return max(across, down) / max(1, shape.box[3] - shape.box[1])


def _counted(sight: Sight) -> list[Passage]:
    """How many there are of each kind, such as `3 red stars`; the size where it is one alone.

    Nothing is counted where a scrap of the same colour may be one more, half covered.
    """
    kinds: dict[tuple[str, str], list[Shape]] = {}
    for shape in sight.shapes:
        kinds.setdefault((shape.colour, shape.name), []).append(shape)
    found: list[Passage] = []
    for (colour, name), alike in sorted(kinds.items()):
        text = f"{len(alike)} {colour} {name}"
        if len(alike) == 1:
            large = alike[0].box[3] - alike[0].box[1] >= _LARGE * sight.height
            text = f"{'large ' if large else ''}{colour} {name}"
        least = _PART * min(shape.area for shape in alike)
        if not any(s.colour == colour and s.area >= least for s in sight.scraps):
            found.append(Passage(sight.time, (text,), 4))
    return found


def _moving(sights: Sequence[Sight]) -> list[Passage]:
    """The way of shapes that stand alone of their kind in two frames, one soon after the other."""
    found: list[Passage] = []
    for before, after in pairwise(sights):
        if after.time - before.time > _PAUSE:
            continue
        for shape in _alone(before):
            later = [s for s in _alone(after) if (s.colour, s.name) == (shape.colour, shape.name)]
            way = _way(shape, later[0], before.height) if later else ""
            if way:
                text = f"{shape.colour} {shape.name} moves {way}"
                found.append(Passage(before.time, (text,), 4))
    return found


def _alone(sight: Sight) -> list[Shape]:
    kinds = Counter((shape.colour, shape.name) for shape in sight.shapes)
    return [shape for shape in sight.shapes if kinds[shape.colour, shape.name] == 1]


def _way(before: Shape, after: Shape, height: int) -> str:
    right = after.centre[0] - before.centre[0]
    down = after.centre[1] - before.centre[1]
    if max(abs(right), abs(down)) < _MOVED * height:
        return ""
    if abs(right) >= _STRAIGHT * abs(down):
        return "left to right" if right > 0 else "right to left"
    if abs(down) >= _STRAIGHT * abs(right):
        return "top to bottom" if down > 0 else "bottom to top"
    return ""
