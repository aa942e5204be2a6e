"""How lines of text in one picture belong together: lines, rows and blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from videoseal.models.ocr.reader import TextLine

__all__ = ["CELLS", "Passage", "passages"]

CELLS: Final = "  "
"""Between the lines of one row, such as the columns of a board."""
_SAME_ROW: Final = 0.5
"""Share of the higher line's height by which two lines of one row overlap."""
_ROW_GAP: Final = 3.0
"""Widest gap inside a row, in line heights: columns of one board, not two boards."""
_BLOCK_GAP: Final = 1.3
"""Widest gap between the rows of a block, in heights of the higher one."""
_ALIKE: Final = 2.6
"""Largest ratio between the heights of two rows of one block."""
_LONGEST: Final = 3
"""Rows that are read together when a block has more."""
_LONGEST_NOTICE: Final = 6
"""Rows up to which a block may be one notice; longer ones are lists."""


class Passage(NamedTuple):
    """Text that stands together in one frame."""

    time: float
    """The frame's timestamp in seconds."""
    rows: tuple[str, ...]
    reach: int
    """How far its parts lie from each other: 0 a line, 1 a row, 2 and more rows of a block."""
    whole: bool = True
    """Whether nothing else belongs to it."""
    source: str = ""
    """The ledger entry it comes from, where it comes from one."""

    @property
    def text(self) -> str:
        """The rows, parted by slashes."""
        return " / ".join(self.rows)


class _Row(NamedTuple):
    lines: tuple[TextLine, ...]
    box: tuple[int, int, int, int]

    @property
    def text(self) -> str:
        return CELLS.join(line.text for line in self.lines)

    @property
    def height(self) -> int:
        return max(1, self.box[3] - self.box[1])


def passages(lines: Sequence[TextLine], time: float) -> list[Passage]:
    """Everything in a frame that may be read together, the narrow before the wide."""
    found = [Passage(time, (line.text,), 0) for line in lines]
    rows = _rows(lines)
    found += [Passage(time, (row.text,), 1) for row in rows if len(row.lines) > 1]
    for block in _blocks(rows):
        texts = tuple(row.text for row in block)
        for length in range(2, min(_LONGEST, len(texts)) + 1):
            for first in range(len(texts) - length + 1):
                part = texts[first : first + length]
                found.append(Passage(time, part, length, whole=length == len(texts)))
        if _LONGEST < len(texts) <= _LONGEST_NOTICE:
            found.append(Passage(time, texts, len(texts)))
    return sorted(found, key=lambda passage: passage.reach)


def _rows(lines: Sequence[TextLine]) -> list[_Row]:
    """Lines at one height with no wide gap between them, left to right."""
    rows: list[_Row] = []
    for line in sorted(lines, key=lambda line: line.box[0]):
        for place, row in enumerate(rows):
            if _beside(row, line):
                rows[place] = _Row((*row.lines, line), _union(row.box, line.box))
                break
        else:
            rows.append(_Row((line,), line.box))
    return sorted(rows, key=lambda row: (row.box[1], row.box[0]))


def _beside(row: _Row, line: TextLine) -> bool:
    last = row.lines[-1].box
    low, high = sorted((max(1, last[3] - last[1]), max(1, line.box[3] - line.box[1])))
    shared = min(last[3], line.box[3]) - max(last[1], line.box[1])
    gap = line.box[0] - last[2]
    return shared >= _SAME_ROW * high and -low < gap <= _ROW_GAP * low


def _blocks(rows: Sequence[_Row]) -> list[list[_Row]]:
    """Rows below each other, of like height, that share a column."""
    blocks: list[list[_Row]] = []
    for row in rows:
        for block in blocks:
            if _below(block[-1], row):
                block.append(row)
                break
        else:
            blocks.append([row])
    return [block for block in blocks if len(block) > 1]


def _below(upper: _Row, lower: _Row) -> bool:
    small, large = sorted((upper.height, lower.height))
    gap = lower.box[1] - upper.box[3]
    share = min(upper.box[2], lower.box[2]) - max(upper.box[0], lower.box[0])
    return share > 0 and -small < gap <= _BLOCK_GAP * large and large <= _ALIKE * small


def _union(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])
