"""Scores of recorded runs on the terminal, as a table or as JSON."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click

from videoseal.cli.output import emit_json, notes, results, table
from videoseal.core.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from videoseal.cli.invocation import Invocation
    from videoseal.evals.report.system_summary import System
    from videoseal.evals.report.tables import Column, Table, TableRow
    from videoseal.evals.scoring.compare import Comparison
    from videoseal.evals.scoring.systems import RecordedSystem

__all__ = ["comparison_document", "exit_if_all_failed", "print_scores"]

_GAP: Final = 2
"""Between two columns."""


def print_scores(
    invocation: Invocation, cells: list[RecordedSystem], *, priced: bool = False
) -> None:
    """Every system's numbers: a table, or with `--json` one document; money where `priced`."""
    from videoseal.evals.report.system_summary import systems_of
    from videoseal.evals.report.tables import headline_table

    systems = systems_of(cells)
    if invocation.as_json:
        emit_json(
            [
                {
                    "run": system.cell.key.run, "mode": system.cell.key.mode,
                    "variant": system.cell.key.variant, "counts": system.counts,
                    "official": system.official,
                    "scores": {name: e._asdict() for name, e in system.scores.items()},
                    "spending": {name: asdict(spent) for name, spent in system.spending.items()},
                }
                for system in systems
            ]
        )  # fmt: skip
        return
    console = results()
    shown = headline_table(systems)
    for number, rows in enumerate(_side_by_side(shown, console.width)):
        if number:
            console.print()
        console.print(_rich(shown._replace(rows=rows)))
    for system in systems if priced else ():
        results().print(f"{plain(system.label)}: {_money(system)}", soft_wrap=True)


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """A comparison with every number under its name."""
    found = comparison._asdict()
    for part in ("rates", "costs"):
        found[part] = [
            {**each._asdict(), "difference": each.difference._asdict()} for each in found[part]
        ]
    return {**found, "test": comparison.test._asdict()}


def _money(system: System) -> str:
    spent = system.spending["money"]
    if math.isnan(spent.total):
        return "money unknown: a model that was used has no --price"
    return f"${spent.mean:.4f} a question, ${spent.total:,.2f} in all"


def _side_by_side(shown: Table, width: int) -> Iterator[list[TableRow]]:
    """The systems in parts, each as many as a terminal of that width has room for."""
    left = labels = max(len(_label(column)) for column in shown.columns)
    part: list[TableRow] = []
    for row in shown.rows:
        words = [*row.label.split(), *(text for value in row.values for text in value)]
        needed = max(map(len, words)) + _GAP
        if part and left + needed > width:
            yield part
            left, part = labels, []
        left += needed
        part.append(row)
    yield part


def _rich(shown: Table) -> Any:
    """Systems side by side and measures below each other, so that it fits a narrow terminal."""
    from videoseal.evals.report.numbers import NOTHING

    systems = [plain(row.label) for row in shown.rows]
    made = table("", *systems, numbers=tuple(systems))
    made.columns[0].no_wrap = True
    for number, column in enumerate(shown.columns):
        values = [row.values[number] for row in shown.rows]
        made.add_row(_label(column), *(value.text for value in values))
        if any(value.small not in ("", NOTHING) for value in values):
            made.add_row(f"  {column.below or column.small}", *(value.small for value in values))
    return made


def _label(column: Column) -> str:
    """What is measured; what its small values are stands in the line below."""
    return f"{column.text} ({column.small})" if column.below and column.small else column.text


def exit_if_all_failed(cells: Sequence[RecordedSystem]) -> None:
    """End with exit code 1 where questions were asked and every one of them ended in an error."""
    from videoseal.evals.scoring.scores import status_counts

    counts = [status_counts(cell.tally) for cell in cells]
    asked = sum(count["asked"] for count in counts)
    if asked and asked == sum(count["errored"] for count in counts):
        notes().print(f"error: every question ended in an error ({asked:,})", soft_wrap=True)
        click.get_current_context().exit(1)
