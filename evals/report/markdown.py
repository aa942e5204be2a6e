"""Tables as GitHub-flavoured Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from videoseal.evals.report.tables import Column, Table, TableRow, Value, pair_table
from videoseal.evals.scoring.compare import Comparison

__all__ = ["comparison_markdown", "markdown_page", "markdown_table"]

_MARKS: Final = re.compile(r"([\\`*_{}\[\]<>|#~])")


def markdown_page(title: str, sentences: Iterable[str], tables: Iterable[tuple[str, Table]]) -> str:
    """A page with a heading, sentences, and every table under its own heading."""
    parts = [f"# {_safe(title)}", *(f"- {_safe(sentence)}" for sentence in sentences)]
    text = "\n".join(parts[1:])
    blocks = [parts[0], text] if text else [parts[0]]
    for heading, table in tables:
        blocks += [f"## {_safe(heading)}", _safe(table.caption), markdown_table(table)]
    return "\n\n".join(blocks) + "\n"


def markdown_table(table: Table) -> str:
    """The table alone."""
    headings = [_safe(table.corner), *(_heading(column) for column in table.columns)]
    lines = [_line(headings), _line(["---", *("---:" for _ in table.columns)])]
    lines += [_line(_row(row, len(table.columns))) for row in table.rows]
    return "\n".join(lines)


def comparison_markdown(comparison: Comparison) -> str:
    """Two systems side by side, with what was compared above the table."""
    table = pair_table(comparison)
    return f"{_safe(table.caption)}\n\n{markdown_table(table)}\n"


def _row(row: TableRow, width: int) -> list[str]:
    if not row.values:
        return [f"**{_safe(row.label)}**", *("" for _ in range(width))]
    return [_safe(row.label), *(_value(value) for value in row.values)]


def _heading(column: Column) -> str:
    return _safe(f"{column.text} ({column.small})" if column.small else column.text)


def _value(value: Value) -> str:
    return _safe(f"{value.text} ({value.small})" if value.small else value.text)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _safe(text: str) -> str:
    """On one line, with nothing left that Markdown or HTML would act on."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))
