"""`videoseal eval labels` and `agreement`: what people say of answers, and how far judges agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from videoseal.cli.eval.judge import evidence_of, print_judged, wanted_options
from videoseal.cli.invocation import Invocation, json_option, pass_invocation
from videoseal.cli.options import file_option

__all__ = ["agreement", "labels"]


@click.command()
@click.argument("run")
@file_option("--out", required=True, help="The sheet to write (CSV).")
@click.option("--sample", default=100, show_default=True, type=click.IntRange(1),
              help="Answers drawn at random.")  # fmt: skip
@click.option("--seed", default=0, show_default=True, help="Of the draw.")
@wanted_options
@pass_invocation
def labels(
    invocation: Invocation, /, run: str, out: Path, sample: int, seed: int, **options: Any
) -> None:
    """Write a sheet on which a person says yes or no to answers of RUN, as blind as the judges.

    Fill the column `grounded` with yes or no in any spreadsheet, save it as CSV, and give it to
    `videoseal eval agreement`.
    """
    from videoseal.evals.judging.human_labels import write_sheet
    from videoseal.evals.judging.judge_run import Wanted, judgeable

    folder = invocation.recorded(run)
    gathered = evidence_of(folder, options["evidence"])
    wanted = Wanted(options["mode"], options["variant"], evidence=gathered)
    written = write_sheet(out, judgeable(folder, wanted), sample=sample, seed=seed)
    click.echo(f"{out}: {written} answers to label")


@click.command()
@click.argument("run")
@file_option("--labels", "sheets", multiple=True,
             help="A filled sheet; several for several people.")  # fmt: skip
@json_option
@pass_invocation
def agreement(invocation: Invocation, run: str, sheets: tuple[Path, ...]) -> None:
    """Tell how far the judges of RUN agree, with each other and with people's labels."""
    from videoseal.evals.judging.agreement import Unit
    from videoseal.evals.judging.human_labels import read_labels
    from videoseal.evals.judging.judge_run import Wanted, judgeable

    folder = invocation.recorded(run)
    known = {
        one.request.sha256: Unit(one.request.sha256, one.video)
        for one in (
            judgeable(folder, Wanted(evidence=evidence_of(folder, None))) if sheets else ()
        )
    }  # fmt: skip
    print_judged(invocation, folder, [read_labels(sheet, known) for sheet in sheets])
