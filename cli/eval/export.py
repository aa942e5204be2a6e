"""`videoseal eval export`: the answers of a run in the form that another program takes."""

from __future__ import annotations

import json
from pathlib import Path

import click

from videoseal.cli.invocation import Invocation, pass_invocation
from videoseal.cli.options import MODES, file_option

__all__ = ["export"]


@click.command()
@click.argument("run")
@click.option("--mode", type=click.Choice(MODES), default="decoupled", show_default=True)
@click.option("--variant", default="", help="Which system of an experiment.")
@click.option(
    "--format", "form", type=click.Choice(("submission", "inspect")), default="submission",
    show_default=True, help="What the benchmark's own scorer takes, or a log for Inspect's viewer.",
)  # fmt: skip
@file_option("--out", help="Where to write; standard output if not given.")
@pass_invocation
def export(
    invocation: Invocation, run: str, mode: str, variant: str, form: str, out: Path | None
) -> None:
    """Write the answers of RUN in the form that its benchmark, or another viewer, takes."""
    from videoseal.evals.formats.inspect_log import inspect_log
    from videoseal.evals.formats.submissions import export as submission
    from videoseal.evals.records import RecordFile, latest
    from videoseal.evals.scoring.sample_result import outcome_of
    from videoseal.evals.scoring.systems import RECORDS, NoSuchRun, read_manifest

    folder = invocation.recorded(run)
    every = latest(RecordFile(folder / RECORDS).read()).values()
    records = [record for record in every if (record.mode, record.variant) == (mode, variant)]
    if not records:
        known = ", ".join(dict.fromkeys(f"{r.mode} {r.variant}".strip() for r in every))
        raise NoSuchRun(
            f"{run} has no samples of {mode} {variant}".rstrip(), hint=f"there are: {known}"
        )
    if form == "inspect":
        log = inspect_log(records, read_manifest(folder))
        text = json.dumps(log, ensure_ascii=False, indent=1)
    else:
        text = submission(records[0].item.benchmark, [outcome_of(each) for each in records])
    if out is not None:
        out.write_text(f"{text}\n", encoding="utf-8")
    click.echo(text if out is None else str(out))
