"""Which lines of a picture are read together."""

from __future__ import annotations

from videoseal.models.ocr.reader import TextLine
from videoseal.models.offline.layout import CELLS, passages


def line(text: str, left: int, top: int, right: int, bottom: int) -> TextLine:
    return TextLine(text, 0.9, (left, top, right, bottom))


def rows_of(*lines: TextLine) -> list[tuple[str, ...]]:
    return [passage.rows for passage in passages(lines, 1.0)]


def test_lines_below_each_other_make_a_block() -> None:
    """Near rows of like height are read one after the other; each line stays readable alone."""
    found = rows_of(line("GATE 7", 10, 10, 100, 40), line("OPENS AT 9", 12, 50, 160, 80))
    assert found == [("GATE 7",), ("OPENS AT 9",), ("GATE 7", "OPENS AT 9")]


def test_distant_or_unlike_lines_stay_apart() -> None:
    """A subtitle far below a sign, and a headline of thrice the height, are other texts."""
    far = rows_of(line("GATE 7", 10, 10, 100, 40), line("Hello.", 10, 300, 100, 330))
    tall = rows_of(line("NEWS", 10, 10, 300, 110), line("today", 10, 115, 100, 140))
    beside = rows_of(line("GATE 7", 10, 10, 100, 40), line("EXIT", 400, 50, 460, 80))
    assert [len(found) for found in (far, tall, beside)] == [2, 2, 2]


def test_columns_are_cells_of_a_row() -> None:
    """Lines at one height with a small gap are one row, left to right."""
    found = rows_of(line("14:35", 200, 10, 280, 40), line("GATE 7", 10, 12, 130, 41))
    assert found[-1] == (f"GATE 7{CELLS}14:35",)


def test_a_lower_line_that_only_touches_is_no_column() -> None:
    """Two boards that overlap in height by accident do not mix their rows."""
    found = rows_of(
        line("LOCKER 921", 519, 65, 682, 95),
        line("PART 48", 110, 77, 274, 122),
        line("CHEF ZELLER", 520, 112, 704, 136),
        line("THE SILENT MARKET", 112, 122, 498, 162),
    )
    assert ("LOCKER 921", "CHEF ZELLER") in found
    assert not any(CELLS in row for rows in found for row in rows)


def test_long_lists_are_read_in_short_stretches() -> None:
    """Of many rows only three in a row are read together: a list is not one notice."""
    lines = [line(f"row {n}", 10, 10 + 40 * n, 100, 40 + 40 * n) for n in range(8)]
    assert max(len(rows) for rows in rows_of(*lines)) == 3
    assert max(len(rows) for rows in rows_of(*lines[:5])) == 5
