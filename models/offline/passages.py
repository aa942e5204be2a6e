"""What may be read together in a picture: the cells of a row, and the rows of a small notice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from videoseal.models.ocr.line_text import TextLine
from videoseal.models.ocr.rows import TextRow, blocks_of, rows_of, shared
from videoseal.models.types import SpokenLine

__all__ = ["Passage", "passage_of", "passages", "spoken"]

_CELLS: Final = "  "
_ROWS: Final = " / "
_NOTICE: Final = 3
"""Rows up to which a block of single lines is one notice; longer ones are lists."""


_PAUSE_S: Final = 1.5
"""A longer one parts what is said."""


class Passage(NamedTuple):
    """Text that may be read together: one row, or all rows of a notice."""

    time: float
    """The frame's timestamp in seconds."""
    rows: tuple[tuple[str, ...], ...]
    """Rows of cells."""
    heads: tuple[str, ...] = ()
    """What stands over each cell of a table's row."""
    title: str = ""
    """What stands over all of the rows around it."""
    source: str = ""
    """The ledger entry it comes from, where it comes from one."""
    lines: tuple[int, ...] = ()
    """Numbers of the lines that say it; empty for what is written in a frame."""

    @property
    def text(self) -> str:
        """The rows, parted by slashes, their cells by two spaces."""
        return _ROWS.join(_CELLS.join(row) for row in self.rows)


def passage_of(text: str, time: float, source: str) -> Passage:
    """Read `Passage.text` back; heads and title are lost."""
    rows = [tuple(cell for cell in row.split(_CELLS) if cell) for row in text.split(_ROWS)]
    return Passage(time, tuple(row for row in rows if row), source=source)


def passages(lines: Iterable[TextLine], time: float) -> list[Passage]:
    """Everything in a frame that may be read together."""
    rows = rows_of(lines)
    found: list[Passage] = []
    for block in blocks_of(rows):
        texts = [tuple(line.text for line in row) for row in block]
        table = [row for row in block if len(row) > 1]
        counted = [any(c.isdigit() for line in row for c in line.text) for row in table]
        headed = any(counted) and not counted[0]
        over = [rows[0][0].text] if len(rows[0]) == 1 and rows[0] not in block else []
        for at, row in enumerate(block):
            title = (*over, *(texts[0] if at and len(block) >= _NOTICE else ()))
            heads = _heads(table[0], row) if headed and row != table[0] else ()
            found.append(Passage(time, (texts[at],), heads, " ".join(title)))
        if 1 < len(block) <= _NOTICE and not table:
            found.append(Passage(time, tuple(texts)))
    return found


def spoken(lines: Sequence[SpokenLine]) -> list[Passage]:
    """Each line alone, and with the one that follows it: a sentence may go on there."""
    alone = [Passage(line.start, ((line.text,),), lines=(at,)) for at, line in enumerate(lines, 1)]
    return alone + [
        Passage(one.time, one.rows + two.rows, lines=one.lines + two.lines)
        for one, two, line in zip(alone, alone[1:], lines, strict=False)
        if two.time - line.end <= _PAUSE_S
    ]


def _heads(head: TextRow, row: TextRow) -> tuple[str, ...]:
    """What a table's first row, if it alone has no numbers, says over each cell but the first."""
    over = [max(head, key=lambda line: shared(line, cell, 0)) for cell in row[1:]]
    held = zip(over, row[1:], strict=True)
    return ("", *(line.text if shared(line, cell, 0) > 0 else "" for line, cell in held))
