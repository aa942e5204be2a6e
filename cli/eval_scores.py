"""Scores of recorded runs on the terminal, as a table or as JSON."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cli.output import emit_json, plain, results, table

if TYPE_CHECKING:
    from cli.invocation import Invocation
    from evals.cells import Cell
    from evals.compare import Comparison
    from evals.report.systems import System
    from evals.report.tables import Table

__all__ = ["comparison_document", "print_scores"]


def print_scores(invocation: Invocation, cells: list[Cell], *, priced: bool = False) -> None:
    """Every system's numbers: a table, or with `--json` one document; money where `priced`."""
    from evals.report.systems import systems_of
    from evals.report.tables import headline_table

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
    results().print(_rich(headline_table(systems)))
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


def _rich(shown: Table) -> Any:
    """Systems side by side and measures below each other, so that it fits a narrow terminal."""
    systems = [plain(row.label) for row in shown.rows]
    made = table("", *systems, numbers=tuple(systems))
    for number, column in enumerate(shown.columns):
        values = [row.values[number] for row in shown.rows]
        made.add_row(
            plain(f"{column.text} {column.small}"),
            *(f"{v.text}  {v.small}".rstrip() for v in values),
        )
    return made
