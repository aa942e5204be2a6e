"""`videoseal eval score`: the numbers of a recorded run, as a table or as JSON."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import click

from videoseal.cli.invocation import Invocation, json_option, pass_invocation
from videoseal.cli.options import price_option
from videoseal.cli.output import emit_json, notes, results, table
from videoseal.core.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from videoseal.evals.report.tables import Column, Table, TableRow
    from videoseal.evals.scoring.sample_result import Prices
    from videoseal.evals.scoring.systems import System

__all__ = ["exit_if_all_failed", "print_scores", "score"]

_GAP: Final = 2
"""Between two columns."""


@click.command()
@click.argument("run")
@price_option
@json_option
@pass_invocation
def score(invocation: Invocation, run: str, prices: Prices | None) -> None:
    """Score the records of RUN (a name or a folder) again, without any model."""
    from videoseal.evals.scoring.systems import read_systems

    recorded = read_systems([invocation.recorded(run)], prices=prices)
    print_scores(invocation, recorded, priced=prices is not None)


def print_scores(
    invocation: Invocation, systems: Sequence[System], *, priced: bool = False
) -> None:
    """Every system's numbers: a table, or with `--json` one document; money where `priced`."""
    from videoseal.evals.formats.score_document import score_document, uncompared
    from videoseal.evals.report.question_groups import by_category, by_hops, by_wording
    from videoseal.evals.report.tables import headline_table, rates_table

    if invocation.as_json:
        emit_json(score_document(systems))
        return
    console = results()
    shown = headline_table(systems)
    for number, rows in enumerate(_side_by_side(shown, console.width)):
        if number:
            console.print()
        console.print(_rich(shown._replace(rows=rows)))
    hops = by_hops(systems)
    for groups in (by_wording(systems), hops, by_category(systems) if hops else []):
        if groups:
            told = rates_table("groups", "accuracy / grounded accuracy", systems, groups)
            console.print(_by_group(told))
    for system in systems:
        if system.defective:
            odd = f"{system.defective:,} of {system.counts['asked']:,} rows are defective"
            click.echo(f"{plain(system.label)}: {odd}, counted all the same")
    for system in systems:
        if words := uncompared(system):
            wait = f"{words:,} answers in words are compared with no published one yet"
            click.echo(f"{plain(system.label)}: {wait} (videoseal eval judge)")
    for system in systems if priced else ():
        console.print(f"{plain(system.label)}: {_money(system)}", soft_wrap=True)


def exit_if_all_failed(systems: Sequence[System]) -> None:
    """End with exit code 1 where questions were asked and every one of them ended in an error."""
    asked, errored = (sum(s.counts[name] for s in systems) for name in ("asked", "errored"))
    if asked and asked == errored:
        notes().print(f"error: every question ended in an error ({asked:,})", soft_wrap=True)
        click.get_current_context().exit(1)


def _by_group(told: Table) -> Any:
    """Systems side by side, a line a group of questions."""
    labels = [plain(column.text) for column in told.columns]
    made = table(told.corner, *labels, numbers=labels)
    for row in told.rows:
        made.add_row(row.label, *(value.text for value in row.values))
        made.add_row("", *(value.small for value in row.values))
    return made


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
    made = table("", *systems, numbers=systems)
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
