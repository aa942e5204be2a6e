"""Scores of recorded runs on the terminal, as a table or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli.output import emit_json, plain, results, table

if TYPE_CHECKING:
    from cli.invocation import Invocation
    from evals.cells import Cell
    from evals.report.tables import Table

__all__ = ["print_scores"]


def print_scores(invocation: Invocation, cells: list[Cell]) -> None:
    """Every system's numbers: a table, or with `--json` one document."""
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
                }
                for system in systems
            ]
        )  # fmt: skip
        return
    results().print(_rich(headline_table(systems)))


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
