"""How lines of text in one picture belong together: rows of cells, and blocks of rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from videoseal.models.ocr.line_text import TextLine

__all__ = ["TextRow", "blocks_of", "rows_of", "shared"]

_SAME_ROW: Final = 0.5
"""Share of the higher line's height by which two lines of one row overlap."""
_ROW_GAP: Final = 3.0
"""Widest gap inside a row that stands alone, in line heights; a table's may be any."""
_BLOCK_GAP: Final = 1.3
"""Widest gap between rows below each other, in heights of the higher one; a table's is wider."""
_TABLE_GAP: Final = 4.0
_ALIKE: Final = 2.6
"""Largest ratio between the heights of two rows of one block."""

TextRow = tuple[TextLine, ...]
"""Cells from left to right."""


def rows_of(lines: Iterable[TextLine]) -> list[TextRow]:
    """Lines at one height, top to bottom; a row that is no table's ends at a wide gap."""
    levels: list[list[TextLine]] = []
    for line in sorted(lines, key=lambda line: line.box[1]):
        for level in levels:
            if shared(level[0], line, 1) >= _SAME_ROW * max(_height(level[0]), _height(line)):
                level.append(line)
                break
        else:
            levels.append([line])
    whole = [tuple(sorted(level, key=lambda line: line.box[0])) for level in levels]
    rows: list[TextRow] = []
    for at, row in enumerate(whole):
        beside = whole[max(0, at - 1) : at + 2]
        table = any(_aligned(row, other) for other in beside if other is not row)
        start = 0
        for end in range(1, len(row) + 1):
            gap = row[end].box[0] - row[end - 1].box[2] if end < len(row) else 0
            if end == len(row) or (not table and gap > _ROW_GAP * _height(row[end])):
                rows.append(row[start:end])
                start = end
    return rows


def blocks_of(rows: Sequence[TextRow]) -> list[list[TextRow]]:
    """Rows below each other that share a column; each row is in one block."""
    blocks: list[list[TextRow]] = []
    for row in rows:
        block = next((block for block in blocks if _below(block[-1], row)), None)
        if block is None:
            blocks.append(block := [])
        block.append(row)
    return blocks


def shared(a: TextLine, b: TextLine, axis: int) -> int:
    """Pixels that two lines share in x (0) or y (1); the gap between them where negative."""
    return min(a.box[axis + 2], b.box[axis + 2]) - max(a.box[axis], b.box[axis])


def _aligned(row: TextRow, other: TextRow) -> bool:
    """Whether two cells of each stand under each other, so that both are rows of a table."""
    slack = max(_height(row[0]), _height(other[0]))
    pairs = sum(any(_flush(a, b) <= slack for b in other) for a in row)
    return pairs > 1 and -shared(row[0], other[0], 1) <= _TABLE_GAP * slack


def _flush(a: TextLine, b: TextLine) -> float:
    left, right = a.box[0] - b.box[0], a.box[2] - b.box[2]
    return min(abs(left), abs(right), abs(left + right) / 2)


def _below(upper: TextRow, lower: TextRow) -> bool:
    small, large = sorted((_height(upper[0]), _height(lower[0])))
    gap = -shared(upper[0], lower[0], 1)
    column = any(shared(a, b, 0) > 0 for a in upper for b in lower)
    near = column and -small < gap <= _BLOCK_GAP * large and large <= _ALIKE * small
    return near or _aligned(upper, lower)


def _height(line: TextLine) -> int:
    return max(1, line.box[3] - line.box[1])
