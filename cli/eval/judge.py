"""`videoseal eval judge`: whether evidence carries answers."""

from __future__ import annotations

import asyncio
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from videoseal.cli.invocation import Invocation, json_option, pass_invocation
from videoseal.cli.options import MODES, together
from videoseal.cli.output import stacked
from videoseal.cli.progress import Display, SampleCount
from videoseal.core.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from videoseal.evals.judging.agreement import Agreement
    from videoseal.evals.judging.blind_view import Gathered
    from videoseal.evals.judging.human_labels import Labels
    from videoseal.evals.judging.judge_run import JudgeProgress
    from videoseal.evals.report.tables import Column, Table, TableRow
    from videoseal.evals.scoring.systems import System

__all__ = ["evidence_of", "judge", "print_judged", "wanted_options"]

wanted_options = together(
    click.option("--mode", type=click.Choice(MODES), help="Only samples of this mode."),
    click.option("--variant", help="Only samples of this system of an experiment."),
    click.option(
        "--evidence", type=click.Choice(("seen", "gathered")),
        help="What counts: seen in shown frames (as when it was judged first, else the default), or"
        " all that tools told (the paper's).",
    ),
)  # fmt: skip
"""Which answers, and by what."""


@click.command(epilog="A judging that was broken off continues when the same command runs again.")
@click.argument("run")
@click.option(
    "--judge", "judges", multiple=True, type=click.Choice(("judge", "judge2")),
    help="Which judge: both that are set, if not given.",
)  # fmt: skip
@wanted_options
@click.option("--limit", type=click.IntRange(1), help="Only the first N answers.")
@click.option("--concurrency", default=4, show_default=True, type=click.IntRange(1),
              help="Answers that are judged at a time.")  # fmt: skip
@click.option("--retry-errors", is_flag=True, help="Ask again where a judge failed.")
@json_option
@pass_invocation
def judge(invocation: Invocation, /, run: str, **options: Any) -> None:
    """Have judges say for each answer of RUN whether the evidence alone carries it.

    Judges see question, answer and evidence in one form for all systems, and not whose they are.
    Verdicts are kept beside the records; score, compare and report read them.
    """
    from videoseal.evals.judging.judge_run import Wanted, judge_run
    from videoseal.models.build import build_judges

    settings = invocation.settings()
    folder = invocation.recorded(run)
    gathered = evidence_of(folder, options["evidence"])
    wanted = Wanted(options["mode"], options["variant"], options["limit"], gathered)
    judges = build_judges(settings, options["judges"])
    with Display() as display:
        count = SampleCount("judged", "grounded", display)

        def on_progress(step: JudgeProgress) -> None:
            found = step.judgement
            count.add(step.done, step.total, good=bool(found.grounded), error=found.error)

        asyncio.run(
            judge_run(
                folder, judges, wanted, on_progress,
                concurrency=options["concurrency"], retry_errors=options["retry_errors"],
            )
        )  # fmt: skip
    count.tell_errors()
    print_judged(invocation, folder, [])


def print_judged(invocation: Invocation, folder: Path, sheets: list[Labels]) -> None:
    """The verdicts on a run, and how far judges agree with each other and with people."""
    from videoseal.evals.judging.agreement import agreements, rulings_of
    from videoseal.evals.report.judges import agreement_table, semantic_table
    from videoseal.evals.scoring.systems import NoSuchRun, read_systems
    from videoseal.evals.verdicts import read_judgements

    lines = list(read_judgements(folder).values())
    if not lines:
        raise NoSuchRun(
            f"no answer of {folder.name} is judged", hint=f"videoseal eval judge {folder.name}"
        )
    people = {f"{sheet.labeller} (labels)": sheet.rulings for sheet in sheets}
    pairs = agreements({**rulings_of(lines), **people})
    systems = read_systems([folder])
    counts = {
        "judgements": len(lines),
        "no evidence": sum(not line.asked for line in lines),
        "errors": sum(line.error is not None for line in lines),
        "calls": sum(line.calls for line in lines),
        "tokens in": sum(line.prompt_tokens for line in lines),
        "tokens out": sum(line.completion_tokens for line in lines),
        **{f"unlabelled in {sheet.labeller}": sheet.unlabelled for sheet in sheets},
    }
    shown = agreement_table(pairs)
    invocation.emit(
        _document(counts, systems, pairs),
        _stacked(semantic_table(systems)),
        *(_line(row, shown.columns) for row in shown.rows),
        ", ".join(f"{name} {count:,}" for name, count in counts.items()),
    )


def _line(row: TableRow, columns: Sequence[Column]) -> str:
    """A pair in one line: names of judges are too long for a column."""
    found = (
        f"{column.text} {value.text}" + (f" ({value.small})" if value.small else "")
        for column, value in zip(columns, row.values, strict=True)
    )
    return plain(f"{row.label}: {', '.join(found)}")


def _stacked(shown: Table) -> Any:
    """A judge below the other and a line a system, so that it fits a narrow terminal."""
    measures = list(dict.fromkeys(row.label for row in shown.rows if row.values))
    rows, size = iter(shown.rows), len(measures)
    groups = []
    for heading in rows:
        below = list(islice(rows, size))
        lines = [
            (column.text, [text for row in below for text in row.values[at]])
            for at, column in enumerate(shown.columns)
        ]
        groups.append((heading.label, lines))
    numbers = [text for name in measures for text in (name, f"95% of {name}")]
    return stacked(shown.corner, numbers, groups)


def _document(
    counts: dict[str, int], systems: list[System], pairs: list[Agreement]
) -> dict[str, Any]:
    return {
        "counts": counts,
        "systems": [
            {
                "mode": system.key.mode,
                "variant": system.key.variant,
                "judges": {
                    name: {"G_s": one.grounded, "H_s": one.hallucinated}
                    for name, one in system.judges.items()
                },
                "all": {name: system.scores[name] for name in ("G_s", "H_s")},
            }
            for system in systems
        ],
        "agreement": pairs,
    }


def evidence_of(folder: Path, asked: Gathered | None) -> Gathered:
    """What is asked for, else what the run was judged by before."""
    from videoseal.evals.judging.judge_pins import read_pins

    if asked is not None:
        return asked
    pins = read_pins(folder)
    return pins.evidence if pins else "seen"
